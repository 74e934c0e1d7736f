"""Write any hint as text."""

from pathlib import Path
from typing import overload

from faceprep.cli.remedies.words import flags, join
from faceprep.core.errors import Hint, Remedy


@overload
def spell(hint: None) -> None: ...
@overload
def spell(hint: Hint) -> str: ...
def spell(hint: Hint | None) -> str | None:
    """Return the line to print below an error, or None without a hint.

    Parameters
    ----------
    hint
        Text (returned unchanged), a remedy, or a tuple of both (joined).
    """
    if hint is None or isinstance(hint, str):
        return hint
    if isinstance(hint, tuple):
        return "".join(spell(part) for part in hint)
    if hint.resume and hint.workspace is not None:
        line = _resumed(hint, hint.workspace)
    else:
        line = join(_plain(hint))
    return f"{line}   {hint.note}" if hint.note else line


def _plain(remedy: Remedy) -> list[str]:
    words = ["faceprep", *remedy.verb.split(), *map(str, remedy.arguments)]
    if remedy.workspace is not None:
        words += ["--workspace", str(remedy.workspace)]
    return words + flags(remedy.overrides)


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
