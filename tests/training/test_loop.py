"""The loop stops and goes on exactly, and it does not save NaN."""

import math
import os
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from builders.training import Silent, Toy, toy
from safetensors.torch import load_file

from faceprep.cli.remedies import spell
from faceprep.core.errors import FaceprepError
from faceprep.generators.store import load_generator
from faceprep.training.loop import Training
from faceprep.workspace.artifacts import HISTORY, RESUME, USE


def trained(made: Toy) -> Training:
    training = made.begin()
    training.run(Silent())
    return training


@pytest.mark.parametrize("preset", ["tiny", "paper"])
def test_stopped_anywhere_it_goes_on_bit_for_bit(preset: str, tmp_path: Path) -> None:
    whole = toy(tmp_path / "whole", preset, checkpoint_every=100)
    trained(whole)
    made = toy(tmp_path / "parts", preset)
    first = made.begin()
    for _ in range(3):  # in paper: the end of a stage
        first._one_step()
    first.save()
    for _ in range(2):  # lost with the process
        first._one_step()
    second = made.begin()
    torch.rand(7)
    second.resume()
    second.run(Silent())
    for name in (RESUME, USE):
        assert (tmp_path / "parts" / name).read_bytes() == (
            tmp_path / "whole" / name
        ).read_bytes(), name
    columns = [
        pq.read_table(tmp_path / part / HISTORY).drop_columns("seconds")
        for part in ("parts", "whole")
    ]
    assert columns[0].equals(columns[1])


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_signal_ends_it_after_the_step_with_everything_saved(name: str, tmp_path: Path) -> None:
    def send(step: int) -> None:
        if step == 2:
            os.kill(os.getpid(), getattr(signal, name))

    made = toy(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    outcome = made.begin().run(Silent(send))
    assert (outcome.stopped, outcome.steps) == (name, 2)
    assert signal.getsignal(signal.SIGTERM) is before
    again = made.begin()
    again.resume()
    assert again.steps == 2


def test_interrupting_saves_and_interrupts(tmp_path: Path) -> None:
    training = toy(tmp_path).begin()
    with pytest.raises(KeyboardInterrupt):
        training.run(Silent(lambda step: os.kill(os.getpid(), signal.SIGINT)))
    assert training.steps == 1
    assert (tmp_path / RESUME).is_file()


def test_a_loss_that_is_not_a_number_stops_it_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    made = toy(tmp_path)
    training = made.begin()
    training.save()
    before = (tmp_path / RESUME).read_bytes()

    def spoil(step: int) -> None:
        with torch.no_grad():
            training.model.encoder.fc.weight.fill_(math.nan)

    with pytest.raises(FaceprepError, match=r"step 2: .*pixel.*NaN") as caught:
        training.run(Silent(spoil))
    assert "train.learning_rate=" in spell(caught.value.hint)
    assert (tmp_path / RESUME).read_bytes() == before


def test_another_recipe_seed_or_faces_are_another_training(tmp_path: Path) -> None:
    made = toy(tmp_path)
    trained(made)
    wrong = {
        r"seed is 0, not 1": toy(tmp_path, seed=1),
        r"pixel is 10, not 3": toy(tmp_path, recipe={"weights": {"pixel": 3.0}}),
        r"data is": toy(tmp_path, facts={"data": "x"}),
        r"preset 'tiny', not 'paper'": toy(tmp_path, "paper"),
    }
    for message, other in wrong.items():
        with pytest.raises(FaceprepError, match=message) as caught:
            other.begin().resume()
        assert "--overwrite" in spell(caught.value.hint)
    longer = toy(tmp_path, recipe={"steps": 8}).begin()
    longer.resume()
    assert longer.run(Silent()).steps == 8


def test_what_is_for_use_holds_averaged_weights(tmp_path: Path) -> None:
    training = trained(toy(tmp_path))
    model, file = load_generator(tmp_path / USE)
    assert file.progress["step"] == 6
    average = training.average.state["decoder.fc.weight"]
    assert torch.equal(model.decoder.fc.weight, average)
    assert not torch.equal(average, training.model.decoder.fc.weight)
    assert not any(name.startswith("optimizer") for name in load_file(tmp_path / USE))


def test_failures_are_named_once(tmp_path: Path) -> None:
    reporter = Silent()
    outcome = toy(tmp_path, sample_every=1).begin().run(reporter)
    assert "ignored_z" in outcome.findings  # after six steps every identity gives one face
    assert sum("new faces look alike" in line for line in reporter.said) == 1
