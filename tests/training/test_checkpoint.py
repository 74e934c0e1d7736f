"""What is written comes back bit for bit, and training goes on as if nothing had happened."""

import json
import os
from pathlib import Path

import pytest
import torch
from builders.exprgan import Training, images, labels, smallest
from safetensors import safe_open
from torch import nn

from faceprep.core.errors import FaceprepError
from faceprep.generators.exprgan import codes, paper
from faceprep.generators.store import AVERAGE, GENERATOR, load_generator, save_generator
from faceprep.training.checkpoint import read_checkpoint
from faceprep.training.checkpoint_writer import write_checkpoint


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def everything(run: Training) -> dict[str, torch.Tensor]:
    state = {f"model/{k}": v for k, v in run.model.state_dict().items()}
    state |= {f"ema/{k}": v for k, v in run.ema.state.items()}
    for name, optimizer in (("makers", run.makers), ("judges", run.judges)):
        for index, fields in optimizer.state_dict()["state"].items():
            state |= {f"{name}/{index}/{field}": value for field, value in fields.items()}
    state["random/torch"] = torch.get_rng_state()
    state["random/noise"] = run.streams.draws["noise"].get_state()
    return state


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


@pytest.mark.parametrize("preset", ["tiny", "paper"])
def test_resumed_training_equals_an_undisturbed_one(tmp_path: Path, preset: str) -> None:
    config = smallest() if preset == "tiny" else None
    if preset == "paper":
        config = paper(smallest().classes, 32, width=4, d_width=4, d_features=16)
    run = Training(config)
    for _ in range(3):
        run.step()
    run.save(tmp_path / "training.safetensors")
    taken = {name: value.clone() for name, value in everything(run).items()}
    order = run.streams.shuffles["order"].bit_generator.state
    undisturbed = [run.step() for _ in range(3)]
    after = {name: value.clone() for name, value in everything(run).items()}

    other = Training(config, seed=99)
    other.step()
    torch.manual_seed(123)
    other.resume(tmp_path / "training.safetensors")
    assert_same(everything(other), taken)
    assert other.streams.shuffles["order"].bit_generator.state == order
    assert other.steps == 3
    assert [other.step() for _ in range(3)] == undisturbed
    assert_same(everything(other), after)


def test_settings_of_the_optimizers_come_back(tmp_path: Path) -> None:
    run = Training()
    run.step()
    run.makers.param_groups[0]["lr"] = 1 / 3
    run.save(tmp_path / "a.safetensors")
    other = Training()
    other.resume(tmp_path / "a.safetensors")
    assert other.makers.param_groups[0]["lr"] == 1 / 3
    assert other.makers.param_groups[0]["betas"] == (0.5, 0.999)


def test_moments_take_the_layout_of_their_parameter(tmp_path: Path) -> None:
    run = Training()
    run.step()
    run.save(tmp_path / "a.safetensors")
    other = Training()
    other.model.to(memory_format=torch.channels_last)
    other.resume(tmp_path / "a.safetensors")
    parameter = other.model.encoder.convs[1].weight
    assert parameter.is_contiguous(memory_format=torch.channels_last)
    moment = other.makers.state[parameter]["exp_avg"]
    assert moment.stride() == parameter.stride()
    assert torch.equal(moment, run.makers.state[run.model.encoder.convs[1].weight]["exp_avg"])


def test_any_reader_of_safetensors_finds_the_configuration(tmp_path: Path) -> None:
    run = Training()
    run.save(tmp_path / "a.safetensors")
    with safe_open(tmp_path / "a.safetensors", framework="np") as file:
        document = json.loads(file.metadata()["faceprep"])
        assert "network/generator/encoder.fc.weight" in file.keys()  # noqa: SIM118
    assert document["kind"] == "exprgan"
    assert document["config"]["classes"] == list(run.config.classes)
    assert document["progress"] == {"step": 0, "stage": "joint"}


def test_reading_the_header_loads_nothing_and_tells_what_is_there(tmp_path: Path) -> None:
    run = Training()
    run.step()
    run.save(tmp_path / "a.safetensors")
    file = read_checkpoint(tmp_path / "a.safetensors")
    assert (file.kind, file.preset, file.progress["step"]) == ("exprgan", "tiny", 1)
    assert set(file.networks) == {"generator", "average"}
    assert file.resumable


def test_a_killed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    run = Training()
    run.save(path)
    before = path.read_bytes()

    def full(*_arguments: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    run.step()
    with pytest.raises(FaceprepError, match="no space left") as caught:
        run.save(path)
    assert caught.value.hint
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_diverged_network_does_not_replace_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    run = Training()
    run.save(path)
    before = path.read_bytes()
    with torch.no_grad():
        run.model.encoder.fc.bias[3] = float("nan")
    with pytest.raises(FaceprepError, match=r"encoder\.fc\.bias"):
        run.save(path)
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FaceprepError, match="cannot write"):
        Training().save(tmp_path / "no" / "a.safetensors")


def test_a_generator_comes_back_for_use(tmp_path: Path) -> None:
    run = Training()
    for _ in range(3):
        run.step()
    path = tmp_path / "generator.safetensors"
    config = run.config.to_json()
    extra = {"calibration": {"happiness": [0.0, 0.4, 1.0]}}
    save_generator(path, "exprgan", run.model, config, run.ema.state, {"step": 3}, extra)
    x, y = images(2), labels(2)
    for averaged in (True, False):
        model, file = load_generator(path, preset="tiny", averaged=averaged)
        assert file.extra == extra
        assert not file.resumable
        c = codes.intensity_code(y, 0.6, model.elements)
        made = model.decode(model.encode(x), c, x)
        assert not made.requires_grad
        wanted = run.model.eval()
        with torch.no_grad():
            if averaged:
                with run.ema.swapped(wanted):
                    same = wanted.decode(wanted.encode(x), c, x)
            else:
                same = wanted.decode(wanted.encode(x), c, x)
            assert torch.equal(model.q(x, y), wanted.q(x, y))
        assert torch.equal(made, same)


def test_a_training_can_be_used_as_a_generator(tmp_path: Path) -> None:
    run = Training()
    run.save(tmp_path / "a.safetensors")
    model, file = load_generator(tmp_path / "a.safetensors", classes=run.config.classes)
    assert model.classes == run.config.classes
    assert set(file.networks) == {GENERATOR, AVERAGE}


def test_tensors_of_every_type_travel(tmp_path: Path) -> None:
    state = {
        "whole": torch.tensor([1, 2**40]),
        "truth": torch.tensor([True, False]),
        "half": torch.randn(3).to(torch.bfloat16),
        "scalar": torch.tensor(2.5, dtype=torch.float64),
        "empty": torch.empty(0, 3),
    }
    path = tmp_path / "a.safetensors"
    write_checkpoint(path, kind="x", config={"preset": "y"}, networks={"net": state})
    back = {name: torch.zeros_like(value) for name, value in state.items()}
    read_checkpoint(path).restore({"net": back})
    assert all(torch.equal(back[name], value) for name, value in state.items())


def test_restoring_needs_no_more_than_was_asked_for(tmp_path: Path) -> None:
    run = Training()
    run.step()
    run.save(tmp_path / "a.safetensors")
    other = Training(seed=5)
    state = torch.get_rng_state()
    read_checkpoint(tmp_path / "a.safetensors").restore({"generator": other.model})
    assert torch.equal(torch.get_rng_state(), state)
    assert isinstance(other.model.encoder.fc, nn.Linear)
    assert torch.equal(other.model.encoder.fc.weight, run.model.encoder.fc.weight)
    assert not other.makers.state
