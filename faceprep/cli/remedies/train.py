"""Command that repeats the training of a generator of the workspace."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceprep.cli.remedies.words import flags, join
from faceprep.config import TrainConfig
from faceprep.config.section import spelled
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import INFO, generator_folder
from faceprep.workspace.remembered import usual


def train_command(workspace: Path, overrides: Mapping[str, Any]) -> str:
    """Return the command that trains a generator with the recorded settings.

    Parameters
    ----------
    overrides
        ``generator``, a kind or a name with a fold (``KIND-fold03``); ``fold``, a number or a
        shell variable (``$k``); other flags are added at the end.
    """
    further = dict(overrides)
    held = usual(workspace).train.settings()
    kind, fold = split_name(further.pop("generator", None), further.pop("fold", None))
    words = ["faceprep", "train"]
    if Workspace(workspace).shards("align"):
        words.append("--only")
    words += ["--workspace", str(workspace)]
    if kind != held["generator"]:
        words += ["--generator", kind]
    for name, value in sorted(_recorded(workspace, kind).items()):
        if name in held and name not in ("fold", "generator") and value != held[name]:
            parts = value.items() if isinstance(value, Mapping) else [(None, value)]
            for key, one in parts:
                dotted = f"train.{name}" if key is None else f"train.{name}.{key}"
                words += ["--set", f"{dotted}={spelled(one)}"]
    chosen = "" if fold is None else f"--set train.fold={fold}"  # `$k` stays without quotes
    return " ".join(part for part in (join(words), chosen, join(flags(further))) if part)


def split_name(
    generator: str | None, fold: int | str | None = None
) -> tuple[str, int | str | None]:
    """Return kind and fold of a generator's name; an explicit fold takes precedence."""
    kind, _, own = (generator or TrainConfig().generator).partition("-fold")
    return kind, int(own) if fold is None and own.isdecimal() else fold


def _recorded(workspace: Path, kind: str) -> dict[str, Any]:
    """Return the recorded settings of a generator, or of another fold's generator without any."""
    own = generator_folder(workspace, kind)
    for folder in (own, *sorted(own.parent.glob(f"{kind}-fold*"))):
        try:
            return dict(json.loads((folder / INFO).read_text())["config"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return {}
