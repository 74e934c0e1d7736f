"""The weights of AdaIN-GANimation that do not depend on the labels."""

from pathlib import Path

import pytest
import torch
from builders.action_units import networks

from faceprep.generators.store import save_generator
from faceprep.training.initial_weights import match_weights


@pytest.mark.parametrize("kind", ["ganimation", "defgan"])
def test_only_the_embedding_of_the_generator_depends_on_the_labels(
    kind: str, tmp_path: Path
) -> None:
    model = networks(kind)
    file = tmp_path / "generator.safetensors"
    save_generator(file, kind, model, model.config.to_json())
    other = networks(kind, labels=model.classes, condition="target")
    start = match_weights(file, kind, other)
    painting = [name for name in start.fresh if not name.startswith(("critic", "d_projected"))]
    assert painting
    assert all(name.endswith("trunk.embedding.labels.weight") for name in painting)
    start.copy_to(other)
    kept, values = model.state_dict(), other.state_dict()
    assert all(torch.equal(values[name], kept[name]) for name in start.kept)
