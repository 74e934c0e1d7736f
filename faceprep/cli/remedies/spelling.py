"""Write any hint as text."""

from collections.abc import Sequence
from pathlib import Path
from typing import overload

from faceprep.cli.remedies.typed import in_words, take_apart, with_changes
from faceprep.cli.remedies.words import flags, join, parameter_of
from faceprep.core.errors import TYPED, Again, Command, Hint, Remedy, Shell, commented


@overload
def spell(hint: None) -> None: ...
@overload
def spell(hint: Hint) -> str: ...
def spell(hint: Hint | None) -> str | None:
    """Return the lines to print below an error, joined by newlines, or None without a hint.

    A line is advice (unchanged), or a command with its note as a comment behind it.
    """
    if hint is None:
        return None
    if isinstance(hint, tuple):
        return "\n".join(spell(part) for part in hint)
    return hint if isinstance(hint, str) else command_line(hint)


def command_line(command: Command, typed: Sequence[str] | None = None) -> str:
    """Write a command as it is typed, with its note as a comment.

    Parameters
    ----------
    typed
        Words of the command that `Again` changes; by default those of this process.
    """
    if isinstance(command, Again):
        line = take_apart(TYPED.get() if typed is None else typed)
        return in_words(command) if line is None else with_changes(line, command)
    if isinstance(command, Shell):
        return str(command)
    if command.resume and command.workspace is not None:
        text = _resumed(command, command.workspace)
    else:
        text = join(_plain(command))
    then = f" && {command_line(command.then)}" if command.then else ""
    return commented(text + then, command.note)


def _plain(remedy: Remedy) -> list[str]:
    words = ["faceprep", *remedy.verb.split(), *map(str, remedy.arguments)]
    if remedy.workspace is not None and parameter_of(remedy.verb, "workspace") == "path":
        words.append(str(remedy.workspace))
    elif remedy.workspace is not None:
        words += ["--workspace", str(remedy.workspace)]
    return words + flags(remedy.overrides, remedy.verb)


def _resumed(remedy: Remedy, workspace: Path) -> str:
    """Write a command that repeats the settings of a workspace."""
    # Imported here because they need the configuration, which --help does not.
    from faceprep.cli.remedies.augment import augment_command
    from faceprep.cli.remedies.classify import classify_command
    from faceprep.cli.remedies.stages import stage_command
    from faceprep.cli.remedies.train import train_command

    if remedy.verb == "train":
        return train_command(workspace, remedy.overrides)
    if remedy.verb == "augment":
        return augment_command(workspace, remedy.overrides)
    if remedy.verb == "classify":
        return classify_command(workspace, remedy.overrides)
    return stage_command(remedy.verb, workspace, remedy.overrides)
