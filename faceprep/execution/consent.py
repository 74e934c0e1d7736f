"""Finished results that a run would replace, and the consent to replace them.

Finished results are replaced or removed with ``--overwrite`` only. A run that may do so records
what it makes in ``<stage>/asked.json``, so that the same command continues after it was killed,
without the flag. The file is removed when the stage is complete.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faceprep.config import Config
from faceprep.config.section import spelled
from faceprep.config.sources import flatten
from faceprep.core.errors import Again, Hint, ManifestError, UsageError
from faceprep.core.files import digest, write_json
from faceprep.execution.plan import config_hash, has_remarks
from faceprep.execution.stage import Stage
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import ASKED
from faceprep.workspace.manifest import read_provenance
from faceprep.workspace.remembered import usual


@dataclass(frozen=True)
class Change:
    """A setting that differs from that of finished results."""

    key: str
    #: Value of the finished results, and value now.
    old: Any
    new: Any

    def __str__(self) -> str:
        old, new = (_words(value) for value in (self.old, self.new))
        return f"{self.key}: {old} → {new}"


@dataclass
class Replaced:
    """Finished results of a stage that a run would replace.

    Attributes
    ----------
    stage
        Stage, or verb.
    amount
        What would be replaced, e.g. ``100 faces in 10 shards``.
    changes
        Settings that differ.
    reasons
        What else differs, in words.
    alone
        Whether the stages after it keep their results.
    """

    stage: str
    amount: str
    changes: list[Change] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    alone: bool = False


def changes_between(
    old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> list[Change]:
    """Return the settings that differ."""
    before, now = (
        {key: value for key, value in flatten(values, prefix).items() if value != {}}
        for values in (old, new)
    )
    pairs = ((key, before.get(key), now.get(key)) for key in sorted(before.keys() | now.keys()))
    return [Change(*pair) for pair in pairs if pair[1] != pair[2]]


def replaced_by(stage: Stage, config: Config) -> Replaced | None:
    """Return the finished shards of a stage that were made with other settings; None if none were.

    Raises
    ------
    MissingToolError
        The stage cannot run with these settings here.
    """
    workspace, name = Workspace(config.workspace), stage.name
    markers = [workspace.marker(name, shard) for shard in workspace.shards(name)]
    hashed, settings = "", ""
    if any(markers):
        hashed, settings = config_hash(stage, config), digest(stage.settings(config))
    others = [
        marker
        for marker in markers
        if marker is not None
        and marker.config != hashed
        and not has_remarks(marker, stage, workspace, settings)
    ]
    if not others or asked(workspace, name).get("made") == hashed:
        return None
    before = _settings_of(workspace, stage, others[0].shard)
    changes = _to_tell(changes_between(before, stage.settings(config), f"{name}."), config)
    reasons = []
    if not before:
        reasons.append(f"{name}: its settings are not recorded")
    elif not changes:
        made = {digest({"settings": before, "version": v}): v for v in range(1, stage.version)}
        old = made.get(others[0].config, "other")
        reasons.append(f"{name}: version {old} → {stage.version} of faceprep's {name}")
    amount = amount_of(sum(marker.rows for marker in others), len(others))
    return Replaced(name, amount, changes if before else [], reasons)


def amount_of(faces: int, shards: int) -> str:
    """Return the number of faces and shards in words."""
    return f"{faces:,} faces in {shards:,} shards"


def finished(workspace: Workspace, stage: str) -> str:
    """Return the amount of all finished shards of a stage; empty without any."""
    markers = [workspace.marker(stage, shard) for shard in workspace.shards(stage)]
    rows = [marker.rows for marker in markers if marker is not None]
    return amount_of(sum(rows), len(rows)) if rows else ""


def refusal(
    config: Config,
    found: Iterable[Replaced],
    sections: Collection[str] = (),
    both: Again | None = None,
) -> UsageError:
    """Return the error of a run that would replace finished results.

    Parameters
    ----------
    sections
        Sections that the command reads, if it can begin in another workspace.
    both
        Command that makes the new results beside the finished ones, if there is one.
    """
    replaced = list(found)
    changes = {change.key: change for one in replaced for change in one.changes}
    lines = [f"{config.workspace}: this would replace finished results, and nothing was changed"]
    lines += [str(change) for change in changes.values()]
    lines += [reason for one in replaced for reason in one.reasons]
    lines.append("; ".join(f"{one.stage}: {one.amount}" for one in replaced))
    back = _back(config, changes.values())
    first = () if back is None else (Again(back, note="keeps to the finished results"),)
    first = (*first, *(() if both is None else (both,)))
    other = (_elsewhere(config, sections),) if sections else ()
    hint: Hint = (*first, Again({"overwrite": True}, note="replaces them"), *other)
    return UsageError("\n  ".join(lines), hint)


def _elsewhere(config: Config, sections: Collection[str]) -> Again:
    """Return the command with another workspace, which lacks what this one remembers."""
    root, number, settings = config.workspace, 2, {}
    while root.with_name(f"{root.name}-{number}").exists():
        number += 1
    if config.given is not None:
        read = (key for key in config.given.inherited if key.partition(".")[0] in sections)
        settings = config.given.overrides({*read})
    place = root.with_name(f"{root.name}-{number}")
    return Again({**settings, "workspace": place}, note="keeps both")


def accept(
    workspace: Workspace,
    stage: str,
    made: str,
    settings: Mapping[str, Any] | None = None,
    *,
    restart: bool = False,
) -> None:
    """Record that the finished results of a stage may be replaced.

    Parameters
    ----------
    made
        Hash of what the run makes.
    settings
        Settings of the run, to tell another what differs.
    restart
        Nothing of the run is saved yet: the same command starts it again, also if the settings are
        those of the finished results.
    """
    workspace.make_folder(stage)
    note: dict[str, Any] = {"made": made, **({"settings": settings} if settings else {})}
    note |= {"restart": True} if restart else {}
    if asked(workspace, stage) != note:
        write_json(workspace.folder(stage) / ASKED, note)


def settle(workspace: Workspace, stage: str, made: str | None = None) -> None:
    """Remove the record of a stage that is complete.

    Parameters
    ----------
    made
        Hash that all markers have by then; None without such a hash.
    """
    path = workspace.folder(stage) / ASKED
    if made is not None and path.is_file():
        markers = (workspace.marker(stage, shard) for shard in workspace.shards(stage))
        if any(marker is not None and marker.config != made for marker in markers):
            return
    path.unlink(missing_ok=True)


def asked(workspace: Workspace, stage: str) -> dict[str, Any]:
    """Return the record of a stage; empty if there is none."""
    try:
        return dict(json.loads((workspace.folder(stage) / ASKED).read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _to_tell(changes: list[Change], config: Config) -> list[Change]:
    """Return the changes that were given, without those that follow from them."""
    known = flatten(config.settings())
    both = [change for change in changes if None not in (change.old, change.new)]
    return [change for change in both if change.key in known] or both or changes


def _back(config: Config, changes: Iterable[Change]) -> dict[str, Any] | None:
    """Return the overrides that undo the changes; None if no flag does."""
    known = flatten(config.model_dump(mode="json"))
    held = flatten(usual(config.workspace).model_dump(mode="json"))
    typed = frozenset() if config.given is None else config.given.typed - config.given.inherited
    overrides = {}
    for change in changes:
        if change.key not in known:
            return None
        away = change.key in typed and held.get(change.key) == change.old
        overrides[change.key] = None if away else _flag(change.old)
    return overrides or None


def _flag(value: Any) -> Any:
    return "none" if value is None else value


def _settings_of(workspace: Workspace, stage: Stage, shard: int) -> dict[str, Any]:
    try:
        found = read_provenance(workspace.part(stage.name, shard)).get("settings")
    except ManifestError:
        found = None
    settings = found or workspace.info(stage.name).get("settings")
    return stage.without_remarks(settings) if settings else {}


def _words(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    return "none" if value is None else spelled(value)
