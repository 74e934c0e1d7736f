"""Training the kind driven by landmarks."""

import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from builders.landmarks import faces_with_landmarks, training
from builders.training import Silent

from faceprep.training.checkpoint import read_checkpoint
from faceprep.workspace.artifacts import HISTORY, RESUME, USE

#: Adversarial losses of the small presets, which ``tiny`` leaves out.
ADVERSARIAL = {"adversarial": 0.1, "r1": 0.1}


@pytest.mark.parametrize("preset", ["paper", "modern", "tiny"])
def test_losses_are_finite_and_every_network_learns(preset: str, tmp_path: Path) -> None:
    made = training(tmp_path, preset, unseen=faces_with_landmarks(2))
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    made.run(Silent())
    rows = pq.read_table(tmp_path / HISTORY).to_pylist()
    assert all(math.isfinite(v) for row in rows for v in row.values() if isinstance(v, float))
    after = made.model.state_dict()
    names = ("generator",) if preset == "tiny" else ("generator", "d_image", "d_geometry")
    for name in names:
        assert any(not torch.equal(before[k], after[k]) for k in after if k.startswith(name)), name
    assert {"val_squared", "val_squared_copy"} <= set(rows[-1])


@pytest.mark.parametrize("changes", [{"initialize": False}, {"label": False}])
@pytest.mark.parametrize("preset", ["paper", "tiny"])
def test_the_ablations_train(preset: str, changes: dict[str, bool], tmp_path: Path) -> None:
    made = training(tmp_path, preset, changes, steps=2)
    made.run(Silent())
    assert read_checkpoint(tmp_path / USE).config == made.model.config.to_json()


def test_a_resumed_training_ends_with_the_same_bytes(tmp_path: Path) -> None:
    whole = training(tmp_path / "whole", weights=ADVERSARIAL)
    whole.run(Silent())
    part = training(tmp_path / "part", weights=ADVERSARIAL)
    for _ in range(3):
        part._one_step()
    part.save()
    again = training(tmp_path / "part", weights=ADVERSARIAL)
    again.resume()
    again.run(Silent())
    one, other = (read_checkpoint(tmp_path / name / RESUME).load() for name in ("whole", "part"))
    assert set(one) == set(other)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_it_learns_the_true_targets(tmp_path: Path) -> None:
    made = training(tmp_path, steps=60, batch=8, learning_rate=1e-2, switches={"share_own": 0.0})
    made.run(Silent())
    squared = [row["squared"] for row in pq.read_table(tmp_path / HISTORY).to_pylist()]
    assert sum(squared[-15:]) < 0.8 * sum(squared[:15])


def test_samples_and_findings(tmp_path: Path) -> None:
    made = training(tmp_path)
    with made._evaluating():
        samples = made.trainer.samples()
        made.trainer.data.crops.landmarks.fill_(0.5)  # nothing is to move
        found = {finding.name for finding in made.trainer.inspect({}).findings}
    assert found == {"unchanged_edits"}
    assert samples.tables[0].titles == ["source", "warped", "residual", "edit", "true target"]
    assert samples.tables[1].titles == ["source", *made.trainer.data.crops.classes]
