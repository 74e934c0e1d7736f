"""Files from strangers: one clear sentence each, nothing executed, nothing overwritten."""

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from builders.exprgan import Training
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load

from faceprep.cli.remedies import spell
from faceprep.core.errors import FaceprepError
from faceprep.generators.store import load_generator
from faceprep.training import checkpoint_writer
from faceprep.training.checkpoint import read_checkpoint
from faceprep.training.checkpoint_format import digest
from faceprep.training.checkpoint_writer import write_checkpoint


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    run = Training()
    run.step()
    path = tmp_path_factory.mktemp("good") / "a.safetensors"
    run.save(path)
    return path.read_bytes()


def refused(path: Path, content: bytes) -> FaceprepError:
    """Try to use and to resume from it; neither may change anything."""
    path.write_bytes(content)
    run = Training(seed=1)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    state = torch.get_rng_state()
    with pytest.raises(FaceprepError) as used:
        load_generator(path)
    with pytest.raises(FaceprepError) as resumed:
        run.resume(path)
    assert all(torch.equal(before[name], value) for name, value in run.model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert not run.makers.state
    for caught in (used, resumed):
        assert str(path) in caught.value.message
        assert len(caught.value.message) < 400
        assert caught.value.hint
    return resumed.value


def header(content: bytes) -> tuple[dict[str, Any], bytes]:
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def assembled(entries: Any, data: bytes) -> bytes:
    raw = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return len(raw).to_bytes(8, "little") + raw + data


def described(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The same file with another description in its metadata, and the sum that belongs to it."""
    entries, data = header(content)
    document = json.loads(entries["__metadata__"]["faceprep"])
    change(document)
    if document["sha256"] != "0" * 64:
        document["sha256"] = digest(load(content), document)
    entries["__metadata__"]["faceprep"] = json.dumps(document)
    return assembled(entries, data)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.target, "executed")


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_renamed_is_not_executed(tmp_path: Path, protocol: int) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "executed"), protocol)
    refused(tmp_path / "a.safetensors", bomb + b" " * 64)
    assert not (tmp_path / "executed").exists()


def test_a_file_of_torch_save_renamed_is_not_executed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"model": Bomb(tmp_path / "executed")}, buffer)
    error = refused(tmp_path / "a.safetensors", buffer.getvalue())
    assert "zip" in error.message
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("kept", [0, 1, 8, 9, 40, 0.1, 0.5, 0.999])
def test_truncated(tmp_path: Path, good: bytes, kept: float) -> None:
    refused(tmp_path / "a.safetensors", good[: int(kept if kept >= 1 else kept * len(good))])


def test_longer_than_it_says(tmp_path: Path, good: bytes) -> None:
    assert "cut or damaged" in refused(tmp_path / "a.safetensors", good + b"\0" * 7).message


@pytest.mark.parametrize("size", [0, 1, 2**31, 2**63, 2**64 - 1])
def test_absurd_header_lengths(tmp_path: Path, good: bytes, size: int) -> None:
    refused(tmp_path / "a.safetensors", size.to_bytes(8, "little") + good[8:])


def test_a_header_nested_without_end(tmp_path: Path) -> None:
    deep = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    refused(tmp_path / "a.safetensors", assembled(deep, b""))


@pytest.mark.parametrize("depth", [40, 900])
def test_a_description_nested_deeply(tmp_path: Path, good: bytes, depth: int) -> None:
    nested: Any = 1
    for _ in range(depth):
        nested = [nested]

    def change(document: dict[str, Any]) -> None:
        document["extra"] = {"x": nested}

    refused(tmp_path / "a.safetensors", described(good, change))


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [-1, -4], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [4.0], "data_offsets": [0, 16]},
        {"dtype": "F99", "shape": [4], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]},
        {"dtype": "F32", "shape": [4], "data_offsets": [8, 24]},
        {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]},
        {"dtype": ["F32"], "shape": [4], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [4]},
        "F32",
        None,
    ],
)
def test_tensors_that_make_no_sense(tmp_path: Path, entry: Any) -> None:
    refused(tmp_path / "a.safetensors", assembled({"x": entry}, b"\0" * 16))


def test_overlapping_tensors(tmp_path: Path) -> None:
    entry = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    error = refused(tmp_path / "a.safetensors", assembled({"x": entry, "y": entry}, b"\0" * 16))
    assert "overlap" in error.message


def test_another_programs_safetensors(tmp_path: Path) -> None:
    entry = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    error = refused(tmp_path / "a.safetensors", assembled({"x": entry}, b"\0" * 16))
    assert "another program" in error.message


def test_one_flipped_bit(tmp_path: Path, good: bytes) -> None:
    place = len(good) * 3 // 4
    flipped = good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :]
    assert "SHA-256" in refused(tmp_path / "a.safetensors", flipped).message


def test_wrong_preset(tmp_path: Path, good: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(good)
    with pytest.raises(FaceprepError, match="preset 'tiny', not 'paper'") as caught:
        load_generator(tmp_path / "a.safetensors", preset="paper")
    assert "train.preset=tiny" in spell(caught.value.hint)
    with pytest.raises(FaceprepError, match="sadness"):
        load_generator(tmp_path / "a.safetensors", classes=("anger", "joy"))


def test_a_preset_that_does_not_fit_its_tensors(tmp_path: Path, good: bytes) -> None:
    def claim(document: dict[str, Any]) -> None:
        document["config"]["width"] = 8

    assert "width" in refused(tmp_path / "a.safetensors", described(good, claim)).message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 99),
        ("format", None),
        ("kind", "stargan"),
        ("kind", ["exprgan"]),
        ("preset", 3),
        ("config", []),
        ("config", {}),
        ("config", {"preset": "tiny", "classes": ["a", "b"], "size": 10**9}),
        ("progress", {"step": [1]}),
        ("sha256", "0" * 64),
    ],
)
def test_descriptions_that_make_no_sense(tmp_path: Path, good: bytes, key: str, value: Any) -> None:
    refused(tmp_path / "a.safetensors", described(good, lambda d: d.update({key: value})))


def test_a_giant_is_refused_before_memory_is_taken(tmp_path: Path, good: bytes) -> None:
    def claim(document: dict[str, Any]) -> None:
        document["config"].update(width=256, size=128, d_features=4096)

    path = tmp_path / "a.safetensors"
    path.write_bytes(described(good, claim))
    with pytest.raises(FaceprepError, match=r"has an unknown|lacks|not F32"):
        load_generator(path)


def rewritten(path: Path, edit: Callable[[Training], None]) -> None:
    """A file whose sums are right and whose content is not."""
    run = Training()
    run.step()
    edit(run)
    run.save(path)


def test_moments_of_another_shape(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"

    def edit(run: Training) -> None:
        state = run.makers.state[run.model.encoder.fc.bias]
        state["exp_avg"] = state["exp_avg"][:3]

    rewritten(path, edit)
    other = Training(seed=1)
    before = other.model.encoder.fc.bias.detach().clone()
    with pytest.raises(FaceprepError, match=r"makers.*exp_avg"):
        other.resume(path)
    assert torch.equal(other.model.encoder.fc.bias, before)


@pytest.mark.parametrize("value", ["fast", None, [1.0], True, 10**400, 1e300])
def test_settings_of_another_type(tmp_path: Path, good: bytes, value: Any) -> None:
    def change(document: dict[str, Any]) -> None:
        document["optimizers"]["makers"][0]["lr"] = value

    path = tmp_path / "a.safetensors"
    path.write_bytes(described(good, change))
    with pytest.raises(FaceprepError, match="'lr' makes no sense"):
        Training(seed=1).resume(path)


@pytest.mark.parametrize(
    "state", [None, 3, {}, {"bit_generator": "MT19937"}, {"bit_generator": "PCG64", "state": "x"}]
)
def test_random_states_of_another_kind(tmp_path: Path, good: bytes, state: Any) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(described(good, lambda d: d["random"].update(order=state)))
    with pytest.raises(FaceprepError, match="random state 'order'"):
        Training(seed=1).resume(path)


def test_a_file_for_use_cannot_be_resumed(tmp_path: Path) -> None:
    run = Training()
    path = tmp_path / "a.safetensors"
    write_checkpoint(path, kind="exprgan", config=run.config.to_json(), networks=run.networks())
    with pytest.raises(FaceprepError, match="settings are missing"):
        run.resume(path)


def test_a_file_without_random_states_cannot_be_resumed(tmp_path: Path) -> None:
    run = Training()
    path = tmp_path / "a.safetensors"
    write_checkpoint(
        path,
        kind="exprgan",
        config=run.config.to_json(),
        networks=run.networks(),
        optimizers={"makers": run.makers, "judges": run.judges},
    )
    assert not read_checkpoint(path).resumable
    with pytest.raises(FaceprepError, match="random state 'global/cpu' is missing"):
        run.resume(path)


def test_weights_that_are_nan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_writer, "finite", lambda _value: True)

        def edit(run: Training) -> None:
            with torch.no_grad():
                run.model.d_latent.logit.bias.fill_(float("inf"))

        rewritten(path, edit)
    with pytest.raises(FaceprepError, match=r"d_latent\.logit\.bias' holds NaN or infinite"):
        load_generator(path)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(FaceprepError, match="not a usable checkpoint"):
            read_checkpoint(path)


def test_nothing_here_can_unpickle() -> None:
    package = Path(checkpoint_writer.__file__).parents[1]
    for folder in ("training", "generators"):
        for source in (package / folder).rglob("*.py"):
            text = source.read_text()
            assert "torch.load(" not in text
            assert "import pickle" not in text


@settings(max_examples=150)
@given(st.data())
def test_any_damage_to_the_header_is_told_in_words(
    tmp_path_factory: pytest.TempPathFactory, good: bytes, data: st.DataObject
) -> None:
    size = int.from_bytes(good[:8], "little")
    place = data.draw(st.integers(0, 8 + size - 1))
    byte = data.draw(st.integers(0, 255))
    damaged = good[:place] + bytes([byte]) + good[place + 1 :]
    path = tmp_path_factory.mktemp("damaged") / "a.safetensors"
    path.write_bytes(damaged)
    try:
        load_generator(path)
    except FaceprepError:
        return
    assert header(damaged) == header(good)
