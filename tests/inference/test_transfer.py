"""``transfer``: whose expression, how strong, and who says which it is."""

from dataclasses import replace

import pytest
import torch

from faceprep.cli.remedies import spell
from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.inference import labels as labels_module
from faceprep.inference.edit import edit_faces
from faceprep.inference.inputs import InputFace, InputFaces, read_inputs
from faceprep.inference.labels import Label, labels_of
from faceprep.inference.transfer import read_codes, transfer_expressions
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces

QUIET = Progress(quiet=True)


@pytest.fixture
def faces(painter):
    return read_inputs(["folder/test000", "folder/test003"], painter, "transfer")


@pytest.fixture
def angry(painter, faces):
    """A face on which anger was painted, 0.5 strong."""
    return InputFaces([InputFace("angry.png", edit_faces(faces, painter, "anger", 0.5).images[0])])


def test_the_strength_of_b_is_that_of_the_result(painter, faces, angry) -> None:
    one = InputFaces(faces.faces[1:])
    found = transfer_expressions(one, angry, [Label("anger", "asked")], painter)
    image = found.images[0, 0]
    # The painter reads 1.5 times what it painted.
    assert image[:8, :, 0].mean() / 255 == pytest.approx(0.75, abs=0.02)
    assert (image[8:] == faces.faces[1].image[8:]).all()
    (reading,) = found.readings
    assert reading.as_dict()["strength"] == pytest.approx(0.75, abs=0.02)
    assert str(reading) == "angry.png: anger (asked), strength 0.75"
    assert not reading.notes()


def test_codes_are_brought_into_what_the_decoder_knows(painter, angry) -> None:
    code = read_codes(angry, [Label("surprise", "asked")], painter).unflatten(1, (3, 5))
    assert (code[:, 2] >= 0).all()
    assert (code[:, :2] <= 0).all()
    assert code.abs().max() <= 1
    neutral = read_codes(angry, [Label("neutral", "judge")], painter)
    assert torch.equal(neutral, torch.full((1, 15), -1.0))  # no class here: all absent


def test_a_code_without_strength_is_told(painter, faces) -> None:
    black = InputFaces([InputFace("black.png", 0 * faces.faces[0].image)])
    found = transfer_expressions(faces, black, [Label("anger", "asked")], painter)
    (note,) = found.readings[0].notes()
    assert "next to no anger in black.png; faceprep edit --to anger does not" in spell(note)


def test_a_kind_without_codes_is_refused(painter, faces) -> None:
    class Plain:
        kind, preset, size, classes = "plain", "", 64, ("anger", "happiness")

    plain = replace(painter, model=Plain())
    with pytest.raises(UsageError, match="of kind plain, which cannot read") as caught:
        read_codes(faces, [Label("anger", "asked")] * 2, plain)
    assert caught.value.hint == "kinds that can: exprgan"


def test_labels_are_asked_for_then_the_workspace_s_then_a_judge_s(painter, faces, monkeypatch):
    asked = labels_of(faces.faces, painter, "anger", QUIET)
    assert asked == [Label("anger", "asked")] * 2
    with pytest.raises(UsageError, match="does not know 'joy'"):
        labels_of(faces.faces, painter, "joy", QUIET)
    known = labels_of(faces.faces, painter, None, QUIET)
    assert [label.by for label in known] == ["workspace"] * 2
    assert known[0].expression == faces.faces[0].expression
    stranger = InputFace("stranger.png", faces.faces[0].image)
    found = labels_of([faces.faces[1], stranger], painter, None, QUIET)
    assert found[0].by == "workspace"
    assert found[1].by == "judge landmarks+HOG"
    assert 1 / 3 < found[1].probability <= 1
    # The judge sees the face in the same template as it learnt.
    seen: list[str] = []
    monkeypatch.setattr(
        labels_module, "AlignedFaces", lambda *it: seen.append(it[1]) or AlignedFaces(*it)
    )  # fmt: skip
    labels_of([stranger], painter, None, QUIET)
    assert seen == ["expression"]
