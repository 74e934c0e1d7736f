"""Losses of the networks that edit."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from builders.action_units import training
from builders.training import Silent

from faceprep.generators.action_units.generator_losses import mask_penalty
from faceprep.generators.blocks.losses import label_loss
from faceprep.workspace.artifacts import HISTORY


@pytest.mark.parametrize(("kind", "sign"), [("copy", 1), ("edit", -1)])
def test_a_step_against_the_penalty_opens_or_closes_the_mask(kind: str, sign: int) -> None:
    raw = torch.zeros(1, 1, 4, 4, requires_grad=True)
    mask_penalty(torch.sigmoid(raw), kind).backward()
    assert raw.grad is not None
    assert float((-raw.grad).sign().mean()) == sign


def test_a_mean_mask_inside_the_band_is_not_penalised() -> None:
    assert float(mask_penalty(torch.full((1, 1, 4, 4), 0.3), "band")) == 0
    assert float(mask_penalty(torch.full((1, 1, 4, 4), 0.9), "band")) == pytest.approx(0.4)


def test_the_weight_of_the_labels_does_not_depend_on_the_batch() -> None:
    read, wanted = torch.rand(4, 17), torch.rand(4, 17)
    once, twice = label_loss(read, wanted), label_loss(read.repeat(2, 1), wanted.repeat(2, 1))
    assert float(once) == pytest.approx(float(twice))
    assert float(label_loss(read, wanted, torch.zeros(17))) == 0


def test_losses_of_weight_zero_are_left_out(tmp_path: Path) -> None:
    made = training(tmp_path, "defgan", weights={"cycle": 0.0, "flow_cycle": 0.0, "painted": 0.0})
    made.run(Silent())
    columns = set(pq.read_table(tmp_path / HISTORY).column_names)
    assert {"known", "flow", "mask"} <= columns
    assert not {"cycle", "flow_cycle", "painted"} & columns
