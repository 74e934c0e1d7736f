"""The generator guided by landmarks and label."""

import pytest
import torch
from builders.landmarks import networks, randomise, request

from faceprep.generators.base import Target
from faceprep.generators.landmark_gan.networks import label_of
from faceprep.generators.registry import spec_of


def counts(**changes: object) -> dict[str, int]:
    spec = spec_of("landmark-gan")
    classes = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]
    config = spec.parse({"preset": "paper", "classes": classes, "size": 128, **changes})
    model = spec.build(config, "meta")
    return {
        name: sum(weight.numel() for weight in network.parameters())
        for name, network in model.named_children()
    }


@pytest.mark.parametrize(
    ("blocks", "heatmaps", "generator"),
    [
        (9, "single", 41_266_051),
        (9, "points", 41_686_275),
        (6, "single", 27_104_131),
        (6, "points", 27_524_355),
        (4, "single", 17_662_851),
        (4, "points", 18_083_075),
    ],
)
def test_parameters_at_128(blocks: int, heatmaps: str, generator: int) -> None:
    found = counts(blocks=blocks, heatmaps=heatmaps)
    geometry = {"single": 2_766_657, "points": 2_835_265}[heatmaps]
    assert found == {"generator": generator, "d_image": 2_768_705, "d_geometry": geometry}


def test_the_ablations_remove_what_they_name() -> None:
    whole = counts()["generator"]
    assert counts(label=False)["generator"] == whole - 6 * 128 * 9
    removed = 2 * (64 * 128 * 9 + 128 * 256 * 9) + (3 + 136) * 64 * 49 + 2 * 2 * (64 + 128 + 256)
    patches = (3 + 136) * 256 * 16 + 2 * 256
    assert counts(initialize=False)["generator"] == whole - removed + patches


@pytest.mark.parametrize("preset", ["paper", "tiny"])
def test_images_and_parts(preset: str) -> None:
    model, asked = networks(preset).eval(), request()
    edited = model.requires_grad_(False).generator(asked)
    assert edited.images.shape == asked.x.shape
    assert float(edited.images.abs().max()) <= 1
    assert set(edited.parts) == ({"flow", "warped", "residual"} if preset == "tiny" else set())


def test_an_edit_towards_the_own_landmarks_begins_as_the_source() -> None:
    asked = request()
    edited = networks("tiny").generator(asked._replace(target=asked.source))
    assert torch.equal(edited.images, asked.x)


@pytest.mark.parametrize("preset", ["paper", "tiny"])
@pytest.mark.parametrize("field", ["source", "target", "label"])
def test_the_output_depends_on_landmarks_and_label(preset: str, field: str) -> None:
    model, asked = networks(preset).eval(), request()
    randomise(model)
    other = asked._replace(**{field: getattr(asked, field).flip(0)})
    difference = model.generator(other).images - model.generator(asked).images
    assert float(difference.detach().abs().max()) > 1e-3


def test_a_target_gives_landmarks_and_label() -> None:
    model, asked = networks("tiny").eval(), request()
    target = Target(
        landmarks=asked.target, source_landmarks=asked.source,
        expression=asked.label, intensity=torch.ones(2),
    )  # fmt: skip
    edited = model.edit(asked.x, target)
    assert torch.equal(edited.images, model.generator(asked).images)
    assert edited.parts["heatmap"].shape == (2, 1, 32, 32)


def test_without_label_no_expression_is_needed() -> None:
    model, asked = networks("tiny", label=False).eval(), request()
    assert model.driven_by == {"landmarks"}
    edited = model.edit(asked.x, Target(landmarks=asked.target, source_landmarks=asked.source))
    assert edited.images.shape == asked.x.shape


def test_the_label_is_between_neutral_and_the_expression() -> None:
    target = Target(expression=torch.eye(2), intensity=torch.tensor([0.25, 1]))
    assert label_of(target, ("anger", "neutral")).tolist() == [[0.25, 0.75], [0, 1]]
    assert label_of(target, ("anger", "fear")).tolist() == [[0.25, 0], [0, 1]]
