"""The command that goes on with the synthetic faces which a workspace holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceprep.cli.remedies import flags, join
from faceprep.config import TrainConfig
from faceprep.config.augment import AugmentConfig
from faceprep.config.section import spelled
from faceprep.core.errors import Remedy
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_name
from faceprep.workspace.synthetic import provenance_of, stage_of

#: Settings with a flag of their own.
_FLAGS = ("mode", "seed")

#: Overrides that `spell` reads itself.
_READ = ("n", "generator", "fold", "folds")


def spell(remedy: Remedy) -> str:
    """Spell the command that makes more faces with the settings of those in the workspace.

    Where ``folds`` is given, the generator of the fold is trained first if there is none.
    """
    from faceprep.cli.commands.classify import faces_command

    assert remedy.workspace is not None
    overrides = dict(remedy.overrides)
    n, generator, fold, folds = (overrides.pop(name, None) for name in _READ)
    generator = generator or TrainConfig().generator
    further = join(flags(overrides))
    if folds is not None:
        return faces_command(remedy.workspace, generator, fold, folds, n, further)
    name = generator if fold is None else generator_name(generator, fold)
    return f"{command_for(remedy.workspace, name, n)} {further}".rstrip()


def command_for(workspace: Path, generator: str, n: int) -> str:
    """Return the command that makes `n` faces of the settings of those at hand.

    It names what differs from the defaults. Where there are no faces, or nothing says how they
    were made, it is the one with the defaults.

    Parameters
    ----------
    generator
        As `faceprep.workspace.artifacts.generator_name` gives it.
    """
    place, stage = Workspace(workspace), stage_of(generator)
    info = place.info(stage)
    base, _, fold = generator.partition("-fold")
    words = ["faceprep", "augment", "--workspace", str(workspace), "--n", str(n)]
    if base != TrainConfig().generator:
        words += ["--generator", base]
    settings: Mapping[str, Any] = provenance_of(place, stage).get("settings", {})
    values = _differing(settings)
    edits_others = "other" in (settings.get("mode"), *settings.get("mix", ()))
    for name in _FLAGS:
        if name in values:
            words += [f"--{name}", spelled(values.pop(name))]
    if fold.isdecimal():
        words += ["--set", f"train.fold={int(fold)}"]
    if edits_others:
        words += ["--set", f"augment.sources={info.get('sources_from') or 'WORKSPACE'}"]
    for name, value in values.items():
        for key, one in value.items() if isinstance(value, dict) else [("", value)]:
            words += ["--set", f"augment.{name}{f'.{key}' if key else ''}={spelled(one)}"]
    return join(words + _device(settings.get("device")))


def _differing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``[augment]`` that are not the defaults."""
    defaults = AugmentConfig().settings()
    return {
        name: settings[name]
        for name, default in defaults.items()
        if name in settings and settings[name] != default
    }


def _device(recorded: str | None) -> list[str]:
    """``--device``, where this machine would choose another one by itself."""
    if recorded is None:
        return []
    from faceprep.core.device import choose_device

    return [] if recorded == choose_device("auto") else ["--device", recorded]
