"""Commands that add synthetic faces to a workspace."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faceprep.cli.remedies.train import split_name, train_command
from faceprep.cli.remedies.words import flags, join
from faceprep.config.section import spelled
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_file, generator_name
from faceprep.workspace.remembered import usual
from faceprep.workspace.synthetic import provenance_of, stage_of

#: Settings with a flag of their own.
_FLAGS = ("mode", "seed")


def augment_command(workspace: Path, overrides: Mapping[str, Any]) -> str:
    """Return the command that makes ``n`` faces with the settings recorded in the workspace.

    Parameters
    ----------
    overrides
        ``n``; ``generator``, a kind or a name with a fold; ``fold`` and ``folds``, see
        `faceprep.core.errors.Remedy`; other flags are added at the end.
    """
    further = dict(overrides)
    n = further.pop("n", None)
    kind, fold = split_name(further.pop("generator", None), further.pop("fold", None))
    folds = further.pop("folds", None)
    words = flags(further)
    end = f" {join(words)}" if words else ""
    if folds is not None:
        return _for_a_table(workspace, kind, fold, folds, n, end)
    return _more(workspace, kind if fold is None else generator_name(kind, int(fold)), n) + end


def _for_a_table(
    workspace: Path, kind: str, fold: Any, folds: Sequence[int], n: int, end: str
) -> str:
    """Return the command that makes the faces of a table, and trains the generator if missing.

    Parameters
    ----------
    fold, folds
        Fold whose faces are missing, and all folds of the table; None and empty without folds.
    n
        Number of faces per fold.
    """
    if fold is None:
        if generator_file(workspace, kind).is_file():
            return _more(workspace, kind, n) + end
        return train_command(workspace, {"generator": kind})
    own, more = generator_name(kind, fold), _more(workspace, kind, n)
    if generator_file(workspace, own).is_file():
        if (workspace / "augment" / own / "stage.json").is_file():
            return _more(workspace, own, n) + end
        return f"{more} --set train.fold={fold}{end}"
    numbers = sorted(folds) or [fold]
    every = " ".join(str(number) for number in numbers)
    if len(numbers) > 1 and numbers == [*range(numbers[0], numbers[-1] + 1)]:
        every = f"$(seq {numbers[0]} {numbers[-1]})"
    train = train_command(workspace, {"generator": kind, "fold": "$k"})
    return f"for k in {every}; do {train}; {more} --set train.fold=$k{end}; done"


def _more(workspace: Path, name: str, n: int) -> str:
    """Return the command that makes `n` faces with the recorded settings, or with the defaults."""
    place, stage = Workspace(workspace), stage_of(name)
    kind, fold = split_name(name)
    words = ["faceprep", "augment", "--workspace", str(workspace), "--n", str(n)]
    if kind != usual(workspace).train.generator:
        words += ["--generator", kind]
    settings: Mapping[str, Any] = provenance_of(place, stage).get("settings", {})
    held = usual(workspace).augment.settings()
    changed = {key: settings[key] for key in held if settings.get(key, held[key]) != held[key]}
    for key in _FLAGS:
        if key in changed:
            words += [f"--{key}", spelled(changed.pop(key))]
    if fold is not None:
        words += ["--set", f"train.fold={fold}"]
    if "other" in (settings.get("mode"), *settings.get("mix", ())):
        sources = place.info(stage).get("sources_from")
        words += ["--set", f"augment.sources={sources}"] if sources else []
    for key, value in changed.items():
        for part, one in value.items() if isinstance(value, dict) else [("", value)]:
            words += ["--set", f"augment.{key}{f'.{part}' if part else ''}={spelled(one)}"]
    return join(words + _device(settings.get("device")))


def _device(recorded: str | None) -> list[str]:
    """Return ``--device`` if the default device of this machine differs from the recorded one."""
    if recorded is None:
        return []
    from faceprep.core.device import choose_device

    return [] if recorded == choose_device("auto") else ["--device", recorded]
