"""The settings that a workspace remembers: ``<workspace>/settings.toml``.

It holds the settings that were given, by a flag, a variable or a file, and that change results. It
is a pipeline file too. Its table ``[record]``, which no other file has, holds what TOML or another
pipeline file cannot say: the keys that a flag or a variable gave, the keys without a value, and the
dataset's folder relative to the workspace, for workspaces that move together with their dataset.
"""

import json
import math
import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from faceprep.core.errors import Again
from faceprep.core.files import output_file
from faceprep.core.tree import is_utf8
from faceprep.core.vocabulary import DEFAULT_GENERATOR, Dataset, meant

FILE = "settings.toml"
TABLE = "record"

_HEADER = """\
# The settings that were given for this workspace, without defaults. A verb takes them where nothing
# else is given. With another workspace, this is a pipeline file: -c settings.toml --workspace OTHER
"""

#: Keys, and sections, that change no result, or that choose one of several results (the fold).
_NOT_KEPT = {
    "workspace", "workers", "engine", "device", "dask", "slurm", "train.fold", "train.compile",
    "train.checkpoint_every", "train.sample_every",
}  # fmt: skip

#: Keys that name a dataset. A recorded value holds also where a file is given.
_PLACES = ("select.root", "select.table")

#: Keys that exclude each other: one that is given replaces the recorded other.
_EITHER = (("train.steps", "train.epochs"), ("classify.sweep", "classify.times"))

#: Settings that name a file or a command.
_FILES = ("aus.openface_bin", "train.features", "augment.judge", "classify.features")

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Record:
    """Settings of a workspace.

    Attributes
    ----------
    values
        Dotted key → value.
    typed
        Keys that a flag or a variable gave.
    inherited
        Of a resolved configuration: keys that no other source than the workspace gave.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    typed: frozenset[str] = frozenset()
    inherited: frozenset[str] = frozenset()

    def base(
        self, given: Mapping[str, Any], filed: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the values that hold where `given` says nothing else.

        Parameters
        ----------
        given
            Dotted key → value of the other sources.
        filed
            The part of them that is of pipeline files; None without a file. With one, a recorded
            value of a file does not hold, because the line may have been removed from that file.
        """
        values = dict(self.values)
        if self._names_another_dataset(given, filed or {}):
            values = _without(values, ("name", "shard_size", "demo", "select"))
        kind = given.get("train.generator") or values.get("train.generator") or DEFAULT_GENERATOR
        if kind != values.get("train.generator", DEFAULT_GENERATOR):
            values = _without(values, ("train", "augment"))
        for pair in _EITHER:
            if given.keys() & {*pair}:
                values = _without(values, pair)
        if "augment.mode" in given:
            values = _without(values, ("augment.mix",))
        held = self.typed | {*_PLACES}
        return {key: value for key, value in values.items() if filed is None or key in held}

    def overrides(self, keys: Collection[str] | None = None) -> dict[str, Any]:
        """Return some values, by default all, as a command repeats them in another workspace.

        The name of the pipeline and the empty section of the demo are not repeated.
        """
        return {
            key: "none" if value is None else value
            for key, value in sorted(self.values.items())
            if (keys is None or key in keys) and key != "name" and value != {}
        }

    def merged(self, newer: "Record", sections: Collection[str]) -> "Record":
        """Return the record with the keys of some sections from a newer one."""
        others, new = _without(self.values, sections), _only(newer.values, sections)
        typed = (self.typed & others.keys()) | (newer.typed & new.keys())
        return Record({**others, **new}, typed)

    def _names_another_dataset(self, given: Mapping[str, Any], filed: Mapping[str, Any]) -> bool:
        drawn = "select.root" not in self.values
        layout = self.values.get("demo.layout", "oulu-casia") if drawn else None
        recorded = self.values.get("select.dataset", layout)
        if given.get("select.root") is not None and drawn:
            return True
        if _only(filed, ("demo",)) and given.get("select.root") is None and not drawn:
            return True
        named = given.get("select.dataset")
        named = meant(named, get_args(Dataset)) or named if isinstance(named, str) else named
        return recorded is not None and named not in (None, recorded)


def kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a workspace remembers, with absolute paths."""
    found = _without(values, _NOT_KEPT)
    for key, value in found.items():
        if isinstance(value, Path):
            place = value.expanduser()
            # A table may be relative to the root of the dataset.
            here = key != "select.table" or place.is_file()
            found[key] = str(place.absolute() if here else value)
        elif isinstance(value, tuple):
            found[key] = list(value)
        elif key in _FILES and isinstance(value, str) and Path(value).exists():
            found[key] = str(Path(value).absolute())
    return {key: value for key, value in found.items() if is_utf8(str(value))}


def write_record(workspace: Path, record: Record) -> None:
    """Write the record of a workspace, unless it is there already.

    Raises
    ------
    FaceprepError
        It cannot be written.
    """
    text, path = _text(record, workspace), workspace / FILE
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        with output_file(path, Again(note="when there is space, and the right to write")) as file:
            file.write_text(text, encoding="utf-8")


def parse_record(workspace: Path, values: Mapping[str, Any], table: Mapping[str, Any]) -> Record:
    """Return the record of a workspace.

    Parameters
    ----------
    values, table
        Result of `faceprep.config.sources.read_settings`.
    """
    root, beside = values.get("select.root"), table.get("root")
    if isinstance(root, str) and isinstance(beside, str) and not Path(root).exists():
        moved = Path(os.path.normpath(workspace.absolute() / beside))
        root = str(moved) if moved.exists() else root
    return Record(
        {**values, "select.root": root} if root else values, frozenset(table.get("typed", ()))
    )


def _text(record: Record, workspace: Path) -> str:
    """Write the record as TOML."""
    lines, section = [_HEADER.rstrip()], ""
    set_ = {key: value for key, value in record.values.items() if value is not None}
    for key in sorted(set_, key=lambda name: ("." in name or set_[name] == {}, name)):
        head, _, rest = key.partition(".")
        if (rest or set_[key] == {}) and head != section:
            section = head
            lines += ["", f"[{_quoted(head)}]"]
        if rest:
            lines.append(f"{_quoted(rest)} = {_toml(set_[key])}")
        elif set_[key] != {}:
            lines.append(f"{_quoted(head)} = {_toml(set_[key])}")
    table: dict[str, Any] = {
        "typed": sorted(record.typed),
        "none": sorted(record.values.keys() - set_.keys()),
    }
    root = record.values.get("select.root")
    if root is not None:
        table["root"] = os.path.relpath(root, workspace.absolute())
    lines += ["", f"[{TABLE}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _quoted(key: str) -> str:
    parts = key.split(".")
    return ".".join(part if _BARE.fullmatch(part) else _toml(part) for part in parts)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_toml(str(key))} = {_toml(one)}" for key, one in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _in(key: str, names: Iterable[str]) -> bool:
    return any(f"{key}.".startswith(f"{name}.") for name in names)


def _only(values: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if _in(key, names)}


def _without(values: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if not _in(key, names)}
