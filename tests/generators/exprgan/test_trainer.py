"""Training an ExprGAN: every loss has its effect, in every phase of its presets."""

import math
from dataclasses import fields
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from builders.training import Silent, Toy, crops, toy

from faceprep.generators.exprgan.phase import Weights
from faceprep.training.loop import Training
from faceprep.workspace.artifacts import HISTORY

EVERY_LOSS = {
    field.name: 0.1
    for field in fields(Weights)
    if field.name not in ("embedding_margin", "q_discriminator")
}


def trained(made: Toy) -> Training:
    training = made.begin()
    training.run(Silent())
    return training


def test_every_loss_of_the_recipe_is_computed_and_finite(tmp_path: Path) -> None:
    training = trained(toy(tmp_path, recipe={"weights": EVERY_LOSS, "steps": 2}))
    training.history.write()
    row = pq.read_table(tmp_path / HISTORY).to_pylist()[0]
    makers = set(EVERY_LOSS) - {"wrong_label", "r1"}
    assert makers <= set(row)
    judges = {"d_image", "d_q", "d_r1", "d_wrong_label", "d_new", "d_class", "d_latent"}
    assert judges | {"d_projected", "d_class_projected"} <= set(row)
    assert all(math.isfinite(v) for v in row.values() if isinstance(v, float))


@pytest.mark.parametrize("name", [*sorted(set(EVERY_LOSS) - {"wrong_label", "r1"})])
def test_a_weight_of_zero_leaves_a_loss_out(name: str, tmp_path: Path) -> None:
    made = toy(tmp_path, recipe={"weights": {**EVERY_LOSS, name: 0.0}})
    training = made.begin()
    training._one_step()
    row = training.history._rows[0]
    assert (name in row) == (name == "q")  # Q is watched in any case


def test_makers_and_judges_both_learn_and_the_frozen_do_not(tmp_path: Path) -> None:
    made = toy(tmp_path)
    training = made.begin()
    before = {name: value.clone() for name, value in training.model.state_dict().items()}
    head = training.trainer.phi.head.weight
    fitted = head.clone()
    training._one_step()
    after = training.model.state_dict()
    for network in ("encoder", "decoder", "path", "d_image", "d_latent", "d_projected"):
        moved = [not torch.equal(before[n], after[n]) for n in after if n.startswith(network)]
        assert any(moved), network
    assert torch.equal(fitted, head)
    assert all(parameter.requires_grad for parameter in training.model.parameters())


def test_it_learns_to_reconstruct_and_to_edit(tmp_path: Path) -> None:
    recipe = {"steps": 28, "learning_rate": 3e-3, "weights": {"class_frozen": 3.0}}
    training = trained(toy(tmp_path, recipe=recipe))
    rows = pq.read_table(tmp_path / HISTORY).to_pylist()

    def mean(name: str, part: slice) -> float:
        return sum(row[name] for row in rows[part]) / len(rows[part])

    for name in ("pixel_bottleneck", "class_frozen"):
        assert mean(name, slice(-10, None)) < 0.9 * mean(name, slice(10))
    assert training.steps == len(rows) == 28


def test_the_papers_stages_train_what_the_paper_says(tmp_path: Path) -> None:
    training = toy(tmp_path, "paper", recipe={"steps": 10}).begin()
    encoder = training.model.encoder.fc.weight.clone()
    training._one_step()
    assert torch.equal(training.model.encoder.fc.weight, encoder)
    training.run(Silent())
    names = [row["stage"] for row in pq.read_table(tmp_path / HISTORY).to_pylist()]
    assert names == ["controller"] * 6 + ["reconstruction"] * 2 + ["refining"] * 2
    assert not torch.equal(training.model.encoder.fc.weight, encoder)


def test_people_of_the_val_side_are_watched(tmp_path: Path) -> None:
    made = toy(tmp_path, unseen=crops(people=2), sample_every=6)
    trained(made)
    last = pq.read_table(tmp_path / HISTORY).to_pylist()[-1]
    assert 0 <= last["val_pixel"] < 1
    assert 0 <= last["val_class_frozen"] <= 1
