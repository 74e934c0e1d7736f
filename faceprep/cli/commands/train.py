"""The command that trains a generator like one that a workspace holds."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceprep.config import TrainConfig
from faceprep.config.section import spelled
from faceprep.generators.trained import folder_of
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import INFO


def train_command(workspace: Path, generator: str = "exprgan", fold: str | None = None) -> str:
    """Write the command that trains a generator like the one at hand, from crops that are there.

    Parameters
    ----------
    fold
        Whose people are left out; as it is to stand in the command, ``3`` or ``$k``.
    """
    only = ["--only"] if Workspace(workspace).shards("align") else []
    words = ["faceprep", "train", *only, "--workspace", str(workspace)]
    usual = TrainConfig().settings()
    for name, value in sorted(_trained_with(workspace, generator).items()):
        if name in usual and name not in ("fold", "generator") and value != usual[name]:
            parts = value.items() if isinstance(value, Mapping) else [(None, value)]
            for key, one in parts:
                dotted = f"train.{name}" if key is None else f"train.{name}.{key}"
                words += ["--set", f"{dotted}={spelled(one)}"]
    return shlex.join(words) + ("" if fold is None else f" --set train.fold={fold}")


def _trained_with(workspace: Path, generator: str) -> dict[str, Any]:
    """Settings of a generator's training, or of another fold's where it has none itself."""
    own = folder_of(workspace, generator)
    for folder in (own, *sorted(own.parent.glob(f"{generator}-fold*"))):
        try:
            return dict(json.loads((folder / INFO).read_text())["config"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return {}
