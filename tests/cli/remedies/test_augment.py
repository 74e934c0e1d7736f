"""The command that goes on with the faces at hand has their settings, and no others."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from faceprep.cli.options import as_settings, resolve_flags
from faceprep.cli.remedies.augment import augment_command
from faceprep.config import AugmentConfig, Config
from faceprep.workspace import Workspace
from faceprep.workspace.synthetic import stage_of

FLAGS = {"--mode": "mode", "--seed": "seed", "--device": "device", "--workspace": "workspace"}


def recorded(root: Path, generator: str = "exprgan", **values: Any) -> None:
    """Leave the record of faces that were made with these settings."""
    chosen = AugmentConfig(**values)
    info: dict[str, Any] = {
        "settings": {**chosen.settings(), "fold": None, "device": "cpu"},
        "modes": dict.fromkeys(chosen.shares(), 1),
    }
    if chosen.sources is not None:
        info["sources_from"] = str(chosen.sources)
    Workspace(root).write_info(stage_of(generator), info)


def understood(command: str) -> Config:
    """The configuration that a command line gives."""
    words = shlex.split(command)
    assert words[:2] == ["faceprep", "augment"]
    arguments: dict[str, Any] = {"config": None, "mode": None, "seed": None, "set_": []}
    for flag, value in zip(words[2::2], words[3::2], strict=True):
        if flag == "--set":
            arguments["set_"].append(value)
        elif flag in FLAGS:
            arguments[FLAGS[flag]] = value
    own = {"augment.mode": arguments["mode"], "augment.seed": arguments["seed"]}
    return resolve_flags(as_settings(arguments, own)).config


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"mode": "edit", "seed": 3},
        {"mode": "mix", "mix": {"new": 1.0, "edit": 2.0}, "filter": "judge", "tries": 4},
        {"mode": "other", "sources": "/data/two words", "distinct_people": True},
        {"intensity": [0.4, 1.0], "source_expressions": ["fear", "anger"], "percentile": 95.0},
    ],
)
def test_the_command_gives_the_settings_at_hand(
    values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recorded(tmp_path / "ws", **values)
    command = augment_command(tmp_path / "ws", {"generator": "exprgan", "n": 90})
    config = understood(command)
    assert config.workspace == tmp_path / "ws"
    assert config.augment == AugmentConfig(**values)
    assert "--n 90" in command
    assert command.count("--set") == len({*values} - {"mode", "seed", "mix"}) + (
        2 if "mix" in values else 0
    )


def test_folds_and_devices_are_named_where_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    recorded(tmp_path, "exprgan-fold03")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    start = f"faceprep augment --workspace {tmp_path} --n 5"
    assert (
        augment_command(tmp_path, {"generator": "exprgan-fold03", "n": 5})
        == f"{start} --set train.fold=3"
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert augment_command(tmp_path, {"generator": "exprgan-fold03", "n": 5}).endswith(
        "--device cpu"
    )


def test_without_faces_it_is_the_plain_command(tmp_path: Path) -> None:
    assert (
        augment_command(tmp_path, {"generator": "exprgan", "n": 5})
        == f"faceprep augment --workspace {tmp_path} --n 5"
    )
