"""Index the faces of a workspace by a few small columns, and choose faces for a report.

A dataset may have a million faces: columns are read shard by shard, and landmarks only for the
chosen faces.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from faceprep.core.vocabulary import STATUSES
from faceprep.workspace import Workspace

UNLABELLED = "unlabelled"
NOT_ALIGNED = "not aligned"

_WORDS = ("subject", "expression", "split", "status")


@dataclass(frozen=True)
class Index:
    """Columns of all selected faces, one element of each array per face."""

    #: ``(N,) int32``; shard and row of the face in select.
    shard: np.ndarray
    row: np.ndarray
    confidence: np.ndarray  # ``(N,) float32``; confidence of the detector; NaN without a detection
    #: ``subject``, ``expression``, ``split``, ``status`` → (N,) int32, position in `words`.
    codes: dict[str, np.ndarray]
    words: dict[str, list[str]]  # the same names → sorted values
    damaged: list[str] = field(default_factory=list)  # unreadable parts, with the reason

    def __len__(self) -> int:
        return len(self.shard)

    def where(self, **wanted: str) -> np.ndarray:
        """Return the positions of the faces with all these values, e.g. ``status="ok"``."""
        found = np.ones(len(self), bool)
        for column, word in wanted.items():
            known = self.words[column]
            found &= self.codes[column] == (known.index(word) if word in known else -1)
        return np.flatnonzero(found)

    def count(self, *columns: str) -> dict[tuple[str, ...], int]:
        """Count the faces of every combination of values."""
        flat = np.zeros(len(self), np.int64)
        for column in columns:
            flat = flat * len(self.words[column]) + self.codes[column]
        values, counts = np.unique(flat, return_counts=True)
        found = {}
        for value, number in zip(values.tolist(), counts.tolist(), strict=True):
            key: list[str] = []
            for column in reversed(columns):
                value, code = divmod(value, len(self.words[column]))
                key.insert(0, self.words[column][code])
            found[tuple(key)] = number
        return found


def read_index(workspace: Workspace) -> Index:
    """Read the small columns of select and align, joined on ``face_id`` within each shard."""
    numbers: dict[str, list[np.ndarray]] = {name: [] for name in _NUMBERS}
    words: dict[str, list[pa.Array]] = {name: [] for name in _WORDS}
    damaged: list[str] = []
    for shard in workspace.shards("select"):
        selected = read_columns(
            workspace, "select", shard, ("face_id", "subject", "expression", "split"), damaged
        )
        if selected is None:
            continue
        aligned = None
        if workspace.marker("align", shard) is not None:
            aligned = read_columns(
                workspace, "align", shard, ("face_id", "status", "confidence"), damaged
            )
        rows = selected.num_rows
        status, confidence = pa.nulls(rows, pa.string()), pa.nulls(rows, pa.float32())
        if aligned is not None:
            at = pc.index_in(selected["face_id"], aligned["face_id"]).combine_chunks()
            status = aligned["status"].take(at).combine_chunks()
            confidence = aligned["confidence"].take(at).combine_chunks()
        numbers["shard"].append(np.full(rows, shard, np.int32))
        numbers["row"].append(np.arange(rows, dtype=np.int32))
        numbers["confidence"].append(np.asarray(pc.fill_null(confidence, np.nan), np.float32))
        for name in ("subject", "expression", "split"):
            words[name].append(selected[name].combine_chunks())
        words["status"].append(status)
    return _index(numbers, words, damaged)


def choose(index: Index, among: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Choose faces of as many subjects as possible: one of each before a second of any.

    The order of the subjects depends only on the seed, so that the columns of a sheet show the
    same subjects in every row.

    Parameters
    ----------
    among : (M,) int
        Positions to choose from.

    Returns
    -------
    (≤ count,) int, positions.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(index.words["subject"]))
    subject = order[index.codes["subject"][among]]
    among = among[np.lexsort((random.random(len(among)), subject))]
    subject = np.sort(subject)
    first = np.searchsorted(subject, subject, side="left")
    turn = np.arange(len(among)) - first
    return among[np.lexsort((subject, turn))][:count]


def choose_failures(index: Index, count: int, seed: int) -> np.ndarray:
    """Choose faces that could not be aligned, taking every status in turn."""
    queues = [
        choose(index, index.where(status=status), count, seed).tolist()
        for status in STATUSES
        if status != "ok"
    ]
    picked: list[int] = []
    while any(queues) and len(picked) < count:
        picked += [queue.pop(0) for queue in queues if queue][: count - len(picked)]
    code = index.codes["status"]
    return np.array(sorted(picked, key=lambda at: (code[at], at)), np.int64)


def rows_of(
    workspace: Workspace, index: Index, positions: Iterable[int], columns: Sequence[str]
) -> dict[int, dict[str, Any]]:
    """Read columns of the chosen faces.

    Parameters
    ----------
    positions
        Positions of faces in the index.
    columns
        Dotted names, ``stage.column``; columns of missing stages are skipped.

    Returns
    -------
    Position → values by dotted name, without columns of stages that lack the face.
    """
    wanted: dict[str, list[str]] = {}
    for name in columns:
        stage, column = name.split(".")
        wanted.setdefault(stage, []).append(column)
    found: dict[int, dict[str, Any]] = {int(position): {} for position in positions}
    by_shard: dict[int, list[int]] = {}
    for position in found:
        by_shard.setdefault(int(index.shard[position]), []).append(position)
    for shard, here in by_shard.items():
        ids = read_columns(workspace, "select", shard, ["face_id"])
        if ids is None:
            continue
        chosen = ids["face_id"].take(pa.array([index.row[position] for position in here]))
        for position, face_id in zip(here, chosen.to_pylist(), strict=True):
            found[position]["face_id"] = face_id
        for stage, names in wanted.items():
            table = read_columns(workspace, stage, shard, ["face_id", *names])
            if table is None:
                continue
            at = pc.index_in(chosen, table["face_id"]).to_pylist()
            for position, row in zip(here, at, strict=True):
                if row is not None:
                    values = table.slice(row, 1).to_pylist()[0]
                    found[position] |= {f"{stage}.{name}": values[name] for name in names}
    return found


def read_columns(
    workspace: Workspace,
    stage: str,
    shard: int,
    columns: Sequence[str],
    damaged: list[str] | None = None,
) -> pa.Table | None:
    """Read columns of one finished shard; None if it is missing or cannot be read."""
    path = workspace.part(stage, shard)
    try:
        return pq.read_table(path, columns=list(columns), partitioning=None)
    except FileNotFoundError:
        reason = "is missing"
    except (pa.ArrowInvalid, OSError) as error:
        reason = f"is not readable Parquet ({str(error).splitlines()[0]})"
    if damaged is not None:
        damaged.append(f"{stage}/{path.name} {reason}")
    return None


_NUMBERS = {"shard": np.int32, "row": np.int32, "confidence": np.float32}
_MISSING = {"expression": UNLABELLED, "status": NOT_ALIGNED}


def _index(
    numbers: dict[str, list[np.ndarray]], words: dict[str, list[pa.Array]], damaged: list[str]
) -> Index:
    codes, sorted_words = {}, {}
    for name, chunks in words.items():
        column = pa.chunked_array(chunks, pa.string()).fill_null(_MISSING.get(name, ""))
        encoded = column.combine_chunks().dictionary_encode()
        known = encoded.dictionary.to_pylist()
        order = sorted(range(len(known)), key=known.__getitem__)
        rank = np.empty(len(known), np.int32)
        rank[order] = np.arange(len(known))
        codes[name] = rank[np.asarray(encoded.indices)] if len(known) else np.zeros(0, np.int32)
        sorted_words[name] = [known[at] for at in order]
    arrays = {
        name: np.concatenate([*chunks, np.zeros(0, _NUMBERS[name])])
        for name, chunks in numbers.items()
    }
    return Index(**arrays, codes=codes, words=sorted_words, damaged=damaged)
