"""Compare a new selection with the finished one: what would be removed or changed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from faceprep.config import Config
from faceprep.core.errors import ManifestError
from faceprep.core.vocabulary import plural
from faceprep.datasets.report import EXAMPLES
from faceprep.execution.consent import Change, Replaced, amount_of, asked, changes_between
from faceprep.stages.select.rows import sha256
from faceprep.workspace import Workspace
from faceprep.workspace.face_index import read_columns

#: Settings of a selection, and number of photographs that stand for all.
_SETTINGS = ("demo", "select", "shard_size")
_FEW = 5

#: Columns that a subject's split decides; they may change when photographs are added.
_SPLIT = ("split", "fold")

#: Returns the SHA-256 of files, given their rows' numbers in a shard.
Checksums = Callable[[Sequence[int]], Sequence[str | None]]


@dataclass
class Differences:
    """Rows of the finished selection that the new one lacks or changes.

    Attributes
    ----------
    rows, shards
        Size of the finished selection.
    gone
        Rows that the new selection lacks.
    photographs
        Rows whose photograph has another content, or cannot be read any more.
    labels
        Rows with another value in a column other than those of the split.
    splits
        Rows with another split or fold.
    examples
        Attribute from `gone` to `splits` → the first few of these faces.
    """

    rows: int = 0
    shards: int = 0
    gone: int = 0
    photographs: int = 0
    labels: int = 0
    splits: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    def count(self, name: str, face_ids: Sequence[str], number: int | None = None) -> None:
        """Add faces to an attribute; `number` of them if only the first few are known."""
        setattr(self, name, getattr(self, name) + (len(face_ids) if number is None else number))
        known = self.examples.setdefault(name, [])
        known += face_ids[: EXAMPLES - len(known)]

    def reasons(self) -> list[str]:
        """Return the differences in words, each with the first few faces."""
        of = f"of {plural(self.rows, 'face')}"
        found = []
        for name, words in _WORDS.items():
            count, some = getattr(self, name), ", ".join(self.examples.get(name, ()))
            more = ", …" if count > len(self.examples.get(name, ())) else ""
            found += [f"{count:,} {of} {words}: {some}{more}"] if count else []
        return found


_WORDS = {
    "gone": "are no longer selected",
    "photographs": "have a photograph of another content, or none",
    "labels": "have another label, person or path",
    "splits": "have another split or fold",
}


def replaced_selection(config: Config, made: str, differences: Differences) -> Replaced | None:
    """Return what a new selection replaces in the finished one; None if it only adds faces.

    Parameters
    ----------
    made
        Hash of the new selection.
    """
    workspace = Workspace(config.workspace)
    if asked(workspace, "select").get("made") == made:
        return None
    info = workspace.info("select")
    before, now = (
        {key: values.get(key) for key in _SETTINGS if isinstance(values.get(key), dict | int)}
        for values in (info.get("config") or {}, config.settings())
    )
    changes = changes_between(before, now) if before else []
    root = info.get("root")
    if root is not None and Path(root) != config.dataset_root().absolute():
        changes.append(Change("select.root", root, str(config.dataset_root().absolute())))
    resized = any(change.key == "shard_size" for change in changes)
    one = differences
    if not (one.gone or one.photographs or one.labels or resized or (one.splits and changes)):
        return None
    crops_stay = not (one.gone or one.photographs or resized)
    amount = amount_of(one.rows, one.shards)
    return Replaced("select", amount, changes, one.reasons(), alone=crops_stay)


def has_photographs(workspace: Workspace, root: Path) -> bool:
    """Return whether a folder has the selected photographs, as far as the first few tell."""
    rows = next(iter(workspace.tables("select")), None)
    some = [] if rows is None else rows.select(["path", "sha256"]).slice(0, _FEW).to_pylist()
    return all(row["sha256"] in (None, sha256(str(root / row["path"]))) for row in some)


class Comparison:
    """Compare the rows of changed shards with those of the finished selection.

    Memory: 32 bytes per finished row, taken when the first changed shard is added.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._old: np.ndarray | None = None  # ``(N, 4)``; hashes of id, row, split, checksum
        self.differences = Differences()

    def add(self, table: pa.Table, checksums: Checksums) -> None:
        """Compare a changed shard; `checksums` reads the photographs of the rows in both."""
        old, new = self._finished(), _hashes(table)
        if not len(old):
            return
        at = np.searchsorted(old[:, 0], new[:, 0]).clip(max=len(old) - 1)
        both = np.flatnonzero(old[at, 0] == new[:, 0])
        before, now = old[at[both]], new[both]
        read = np.array([_hash(one) for one in checksums(both.tolist())], np.int64)
        known = before[:, 3] != _hash(None)  # a photograph that could not be read may come back
        names = table.column("face_id").take(both)
        for name, changed in (
            ("photographs", (before[:, 3] != read) & known),
            ("labels", before[:, 1] != now[:, 1]),
            ("splits", before[:, 2] != now[:, 2]),
        ):
            self.differences.count(name, names.filter(pa.array(changed)).to_pylist())

    def finish(self, face_ids: np.ndarray) -> Differences:
        """Return the differences, given the hashes of all new face ids."""
        old = self._finished()
        self.differences.rows = len(old)
        self.differences.shards = len(self._workspace.shards("select"))
        gone = old[~np.isin(old[:, 0], face_ids), 0]
        self.differences.count("gone", self._names(gone) if len(gone) else [], len(gone))
        return self.differences

    def _names(self, hashes: np.ndarray) -> list[str]:
        """Return the first few finished faces with these hashes."""
        wanted, found = set(hashes.tolist()), list[str]()
        for shard in self._workspace.shards("select"):
            rows = read_columns(self._workspace, "select", shard, ["face_id"])
            names = [] if rows is None else rows.column(0).to_pylist()
            found += [name for name in names if hash(name) in wanted]
            if len(found) >= EXAMPLES:
                break
        return found

    def _finished(self) -> np.ndarray:
        if self._old is None:
            parts = [np.empty((0, 4), np.int64)]
            for shard in self._workspace.shards("select"):
                try:
                    parts.append(_hashes(self._workspace.read("select", shard)))
                except ManifestError:  # damaged, so that nothing is lost
                    continue
            found = np.concatenate(parts)
            self._old = found[np.argsort(found[:, 0], kind="stable")]
        return self._old


def _hashes(table: pa.Table) -> np.ndarray:
    found = []
    for row in table.to_pylist():
        split = [row.pop(name) for name in _SPLIT]
        checksum = row.pop("sha256")
        face_id = row["face_id"]
        found.append([hash(face_id), _hash(row), _hash(split), _hash(checksum)])
    return np.array(found, np.int64).reshape(-1, 4)


def _hash(value: Any) -> int:
    return hash(json.dumps(value, sort_keys=True, default=str))
