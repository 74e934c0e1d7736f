"""The command that trains a generator like one that a workspace holds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceprep.cli.remedies import flags, join
from faceprep.config import TrainConfig
from faceprep.config.section import spelled
from faceprep.core.errors import Remedy
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import INFO, generator_folder


def spell(remedy: Remedy) -> str:
    """Spell the command that trains a generator like the one in the workspace."""
    assert remedy.workspace is not None
    overrides = dict(remedy.overrides)
    generator = overrides.pop("generator", None) or TrainConfig().generator
    fold = overrides.pop("fold", None)
    base, _, own = generator.partition("-fold")
    if own.isdecimal():
        generator, fold = base, int(own)
    line = train_command(remedy.workspace, generator, None if fold is None else str(fold))
    return f"{line} {join(flags(overrides))}".rstrip()


def train_command(workspace: Path, generator: str, fold: str | None = None) -> str:
    """Write the command that trains a generator like the one at hand, from crops that are there.

    Parameters
    ----------
    fold
        Whose people are left out; as it is to stand in the command, ``3`` or ``$k``.
    """
    only = ["--only"] if Workspace(workspace).shards("align") else []
    words = ["faceprep", "train", *only, "--workspace", str(workspace)]
    if generator != TrainConfig().generator:
        words += ["--generator", generator]
    usual = TrainConfig().settings()
    for name, value in sorted(_trained_with(workspace, generator).items()):
        if name in usual and name not in ("fold", "generator") and value != usual[name]:
            parts = value.items() if isinstance(value, Mapping) else [(None, value)]
            for key, one in parts:
                dotted = f"train.{name}" if key is None else f"train.{name}.{key}"
                words += ["--set", f"{dotted}={spelled(one)}"]
    return join(words) + ("" if fold is None else f" --set train.fold={fold}")


def _trained_with(workspace: Path, generator: str) -> dict[str, Any]:
    """Settings of a generator's training, or of another fold's where it has none itself."""
    own = generator_folder(workspace, generator)
    for folder in (own, *sorted(own.parent.glob(f"{generator}-fold*"))):
        try:
            return dict(json.loads((folder / INFO).read_text())["config"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return {}
