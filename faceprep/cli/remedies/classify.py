"""Commands that make a table of accuracies."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from faceprep.cli.remedies.words import join
from faceprep.config import Config
from faceprep.config.section import spelled
from faceprep.core.errors import Remedy
from faceprep.workspace.artifacts import generator_file
from faceprep.workspace.remembered import usual

#: Settings of ``[classify]`` with a flag of their own.
_FLAGS = ("sweep", "times", "arms", "seeds", "folds", "generator", "seed")


def classify_command(workspace: Path, settings: Mapping[str, Any]) -> str:
    """Return the command that makes a table with these settings from the existing crops.

    Parameters
    ----------
    settings
        Settings of ``[classify]``; those that hold in the workspace anyway are left out.
    """
    held = usual(workspace).classify.settings()
    words = ["faceprep", "classify", "--only", "--workspace", str(workspace)]
    changed = {key: settings[key] for key in held if settings.get(key, held[key]) != held[key]}
    for key in _FLAGS:
        if key in changed:
            words += [f"--{key}", spelled(changed.pop(key))]
    for key, value in sorted(changed.items()):
        words += ["--set", f"classify.{key}={spelled(value)}"]
    return join(words)


def rows_with_faces(config: Config, n: int) -> Remedy:
    """Return the commands that add rows with `n` synthetic faces to a table that has none."""
    workspace, options = config.workspace, config.classify
    kind = options.generator
    fold, folds = (None, []) if options.folds is None else (0, [*range(options.folds)])
    wanted = {"generator": kind, "n": n}
    parts = [
        Remedy("augment", workspace, {**wanted, "fold": fold, "folds": folds}, resume=True),
        Remedy(
            "classify", workspace, {**options.settings(), "sweep": [0, n], "times": []}, resume=True
        ),
    ]
    if fold is None and not generator_file(workspace, kind).is_file():  # the first one trains it
        parts.insert(1, Remedy("augment", workspace, wanted, resume=True))
    return reduce(lambda later, first: replace(first, then=later), reversed(parts))
