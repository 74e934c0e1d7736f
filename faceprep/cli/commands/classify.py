"""The commands to type around a ``classify``, with the settings of what is there."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from faceprep.cli.commands.augment import command_for
from faceprep.cli.commands.train import train_command
from faceprep.config import ClassifyConfig, Config
from faceprep.config.section import spelled
from faceprep.core.errors import Remedy
from faceprep.workspace.artifacts import generator_file, generator_name

#: Settings of ``[classify]`` with a flag of their own.
_FLAGS = ("sweep", "times", "arms", "seeds", "folds", "generator", "seed")


def spell(remedy: Remedy) -> str:
    """Spell the command that makes a table with these settings from the crops at hand."""
    assert remedy.workspace is not None
    return table_command(remedy.workspace, remedy.overrides)


def table_command(workspace: Path, settings: Mapping[str, Any]) -> str:
    """Write the command that makes a table of these settings from the crops at hand.

    Parameters
    ----------
    settings
        Of ``[classify]``; what is missing is as by default, and left out of the command.
    """
    usual = ClassifyConfig().settings()
    words = ["faceprep", "classify", "--only", "--workspace", str(workspace)]
    changed = {name: settings[name] for name in usual if name in settings}
    changed = {name: value for name, value in changed.items() if value != usual[name]}
    for name in _FLAGS:
        if name in changed:
            words += [f"--{name}", spelled(changed.pop(name))]
    for name, value in sorted(changed.items()):
        words += ["--set", f"classify.{name}={spelled(value)}"]
    return shlex.join(words)


def faces_command(
    workspace: Path,
    generator: str,
    fold: int | None,
    folds: Iterable[int | None],
    count: int,
    further: str = "",
) -> str:
    """Write what makes the synthetic faces that a table lacks, generators and all.

    Parameters
    ----------
    fold, folds
        The one whose faces are lacking, and all that the table goes through; None for the split.
    count
        How many there are to be, of each fold.
    further
        Flags for ``augment``, e.g. ``--overwrite``.
    """
    flags = f" {further}" if further else ""
    if fold is None:
        if generator_file(workspace, generator).is_file():
            return command_for(workspace, generator, count) + flags
        return train_command(workspace, generator)
    own = generator_name(generator, fold)
    more = command_for(workspace, generator, count)
    if generator_file(workspace, own).is_file():
        if (workspace / "augment" / own / "stage.json").is_file():
            return command_for(workspace, own, count) + flags
        return f"{more} --set train.fold={fold}{flags}"
    numbers = sorted(one for one in folds if one is not None) or [fold]
    every = " ".join(str(number) for number in numbers)
    if len(numbers) > 1 and numbers == [*range(numbers[0], numbers[-1] + 1)]:
        every = f"$(seq {numbers[0]} {numbers[-1]})"
    train = train_command(workspace, generator, "$k")
    return f"for k in {every}; do {train}; {more} --set train.fold=$k{flags}; done"


def more_command(config: Config, count: int) -> str:
    """Write the commands that put rows with synthetic faces into a table that has none."""
    workspace, options = config.workspace, config.classify
    settings = {**options.settings(), "sweep": [0, count], "times": []}
    fold, folds = (None, []) if options.folds is None else (0, [*range(options.folds)])
    faces = faces_command(workspace, options.generator, fold, folds, count)
    if fold is None and not generator_file(workspace, options.generator).is_file():
        faces = f"{faces}; {command_for(workspace, options.generator, count)}"
    return f"{faces}; {table_command(workspace, settings)}"
