"""Training the kinds that are driven by Action Units."""

import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from builders.action_units import KINDS, measured_crops, training
from builders.training import Silent

from faceprep.generators.action_units.painting import Painter
from faceprep.training.checkpoint import read_checkpoint
from faceprep.workspace.artifacts import HISTORY, RESUME, USE


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("preset", ["tiny", "paper"])
def test_losses_are_finite_and_every_network_learns(kind: str, preset: str, tmp_path: Path) -> None:
    recipe = {"switches": {"critic_steps": 1, "only_deform": 0.0}, "weights": {"r1": 0.1}}
    if preset == "paper":
        recipe["weights"] = {"label_deformed": 0.0, "cosine_deformed": 0.0}
    made = training(tmp_path, kind, preset, unseen=measured_crops(2), **recipe)
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    made.run(Silent())
    rows = pq.read_table(tmp_path / HISTORY).to_pylist()
    assert all(math.isfinite(v) for row in rows for v in row.values() if isinstance(v, float))
    for name in (*made.model.generators, "critic"):
        after = made.model.state_dict()
        assert any(not torch.equal(before[k], after[k]) for k in after if k.startswith(name)), name
    if preset == "tiny":
        assert {"val_labels", "val_labels_copy", "d_gap_projected"} <= set(rows[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_training_ends_with_the_same_bytes(kind: str, tmp_path: Path) -> None:
    whole = training(tmp_path / "whole", kind)
    whole.run(Silent())
    part = training(tmp_path / "part", kind)
    for _ in range(3):
        part._one_step()
    part.save()
    again = training(tmp_path / "part", kind)
    again.resume()
    again.run(Silent())
    one, other = (read_checkpoint(tmp_path / name / RESUME).load() for name in ("whole", "part"))
    assert set(one) == set(other)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert (tmp_path / "part" / USE).is_file()


def test_it_learns_the_known_results(tmp_path: Path) -> None:
    off = (
        "label_frozen",
        "adversarial_projected",
        "label_projected",
        "known_features",
        "embedding",
    )
    made = training(
        tmp_path, "ganimation", steps=100, batch=8, learning_rate=1e-2,
        weights=dict.fromkeys((*off, "painted", "painted_roughness", "painted_colour"), 0.0),
        switches={"share_pair": 0.8, "augment": False},
    )  # fmt: skip
    made.run(Silent())
    known = [row["known"] for row in pq.read_table(tmp_path / HISTORY).to_pylist()]
    assert sum(known[-20:]) < 0.8 * sum(known[:20])


def test_the_generator_takes_every_nth_step_and_the_rate_falls(tmp_path: Path) -> None:
    switches = {"critic_steps": 3, "decay": 0.5}
    made = training(tmp_path, "ganimation", "paper", steps=6, switches=switches)
    rates, moved = [], []
    for _ in range(6):
        before = made.model.generator.painter.mask.weight.clone()
        made._one_step()
        moved.append(not torch.equal(before, made.model.generator.painter.mask.weight))
        rates.append(made.trainer.optimizers["generator"].param_groups[0]["lr"])
    assert moved == [False, False, True, False, False, True]
    assert rates == pytest.approx([1e-4] * 4 + [1e-4 * 2 / 3, 1e-4 / 3])


def test_the_first_steps_of_defgan_only_deform(tmp_path: Path) -> None:
    made = training(tmp_path, "defgan", switches={"only_deform": 0.5})
    before = made.model.texture.painter.colour.weight.clone()
    for _ in range(3):
        made._one_step()
    assert torch.equal(before, made.model.texture.painter.colour.weight)
    made._one_step()
    assert not torch.equal(before, made.model.texture.painter.colour.weight)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_and_findings(kind: str, tmp_path: Path) -> None:
    made = training(tmp_path, kind)
    with made._evaluating():
        samples = made.trainer.samples()
        painters = [each for each in made.model.modules() if isinstance(each, Painter)]
        for painter in painters:
            painter.colour.weight.zero_()
        found = {finding.name for finding in made.trainer.inspect({}).findings}
    assert found == {"unchanged_edits"}
    titles = samples.tables[0].titles
    assert titles[:2] == ["source", "own labels"]
    assert "mask" in titles
    assert samples.tables[1].titles[-1] == "AU26 5"
    for table in samples.tables:
        assert len(table.titles) == len(table.columns)


@pytest.mark.parametrize(("limit", "every"), [(4.0, 4), (1e-6, 1)])
def test_without_known_results_every_step_reads_face_features(
    tmp_path: Path, limit: float, every: int
) -> None:
    switches = {"features_every": 4, "known_limit": limit}
    made = training(tmp_path, "ganimation", switches=switches)
    assert made.trainer.recipe.features_every == every
