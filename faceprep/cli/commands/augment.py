"""The command that goes on with the synthetic faces which a workspace holds."""

import contextlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceprep.config.augment import AugmentConfig
from faceprep.config.section import spelled
from faceprep.core.errors import ManifestError
from faceprep.workspace import Workspace
from faceprep.workspace.synthetic import stage_of

#: Settings with a flag of their own.
_FLAGS = ("mode", "seed")

_GENERATOR = "exprgan"


def command_for(workspace: Path, generator: str, n: int) -> str:
    """Return the command that makes `n` faces of the settings of those at hand.

    It names what differs from the defaults. Where there are no faces, or nothing says how they
    were made, it is the one with the defaults.

    Parameters
    ----------
    generator
        As `faceprep.generators.trained.name_of` gives it.
    """
    place, stage = Workspace(workspace), stage_of(generator)
    info = place.info(stage)
    base, _, fold = generator.partition("-fold")
    words = ["faceprep", "augment", "--workspace", str(workspace), "--n", str(n)]
    if base != _GENERATOR:
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
    return shlex.join(words + _device(settings.get("device")))


def provenance_of(place: Workspace, stage: str, shard: int | None = None) -> dict[str, Any]:
    """``settings`` and ``checkpoint`` of a shard, or of the first; else those of ``stage.json``."""
    from faceprep.workspace.manifest import read_provenance

    first = next(iter(place.shards(stage)), None) if shard is None else shard
    if first is not None:
        with contextlib.suppress(ManifestError):
            return read_provenance(place.part(stage, first))
    return place.info(stage)


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
