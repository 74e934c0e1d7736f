"""A cell of the accuracy table: one training and its answers; what a worker does, and its file.

<workspace>/classify/cells/flips-3000-seed0-fold01-<key>.parquet     written whole when it is done

The key follows from everything that decides the answers. A cell whose file is there is done; the
same command goes on with the others.
"""

import json
import shlex
import time
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from faceprep.core.errors import FaceprepError
from faceprep.core.files import digest, output_file
from faceprep.stages.classify.faces import Kept, Side
from faceprep.workspace.manifest import METADATA_KEY

if TYPE_CHECKING:
    import torch

    from faceprep.stages.classify.training import Recipe

#: Raised whenever the same settings and faces give other answers.
VERSION = 1

LOGISTIC = "logistic"


@dataclass(frozen=True)
class Row:
    """A row of the table: how it is trained, and with how many synthetic faces."""

    arm: str
    synthetic: int

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.arm}, {self.synthetic:,} synthetic" if self.synthetic else self.arm


@dataclass(frozen=True)
class Made:
    """Synthetic faces of a cell.

    Attributes
    ----------
    faces
        Pixels, or features for `LOGISTIC`.
    rows, labels
        Which of them, and what they show.
    key
        Of these rows' content: more faces after them change nothing.
    """

    faces: Kept
    rows: np.ndarray
    labels: np.ndarray
    key: str


@dataclass(frozen=True)
class Cell:
    """One training.

    Attributes
    ----------
    row, seed, fold
        Which; the fold is None for the dataset's own split.
    classes, labels, side
        Expressions; labels of all real faces; who is where.
    faces
        Pixels of all real faces, or their features for `LOGISTIC`.
    recipe
        How.
    made
        None where the row has none.
    names, people
        ``face_id`` and person of all real faces.
    device
        Where.
    folder
        Where the files of the cells go.
    """

    row: Row
    seed: int
    fold: int | None
    classes: tuple[str, ...]
    labels: np.ndarray
    side: Side
    faces: Kept
    recipe: "Recipe"
    made: Made | None
    names: np.ndarray
    people: np.ndarray
    device: str
    folder: Path

    @cached_property
    def key(self) -> str:
        """Of everything that decides the answers."""
        made = None
        if self.made is not None:
            made = [self.made.key, self.made.rows.tolist(), self.made.labels.tolist()]
        sides = [part.tolist() for part in vars(self.side).values()]
        recipe = asdict(self.recipe)
        parts = [VERSION, self.row.arm, self.seed, self.fold, self.classes, recipe, self.faces.key]
        return digest([parts, self.labels.tolist(), sides, self.names.tolist(), made, self.device])

    @property
    def path(self) -> Path:
        """Its file."""
        fold = "" if self.fold is None else f"-fold{self.fold:02d}"
        name = f"{self.row.arm}-{self.row.synthetic}-seed{self.seed}{fold}-{self.key}.parquet"
        return self.folder / name


@dataclass(frozen=True)
class CellDone:
    """What the file of a cell says.

    Attributes
    ----------
    log_probabilities
        ``(F, K)`` of the test faces in their order.
    faces
        Their ``face_id``.
    trained_on, held_out
        People.
    about
        The rest: updates at which it was best, looks, seconds.
    """

    log_probabilities: np.ndarray
    faces: list[str]
    trained_on: list[str]
    held_out: list[str]
    about: dict[str, Any] = field(default_factory=dict)


def run_cell(cell: Cell) -> CellDone:
    """Train, ask, and write the file.

    Raises
    ------
    FaceprepError
        The loss became NaN, or the file cannot be written.
    """
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # the same numbers in any number of processes
    started = time.monotonic()
    try:
        with threadpool_limits(1):
            scores, about = _logistic(cell) if cell.row.arm == LOGISTIC else _network(cell)
    finally:
        torch.set_num_threads(before)
    side = cell.side
    trained, held = (sorted({*cell.people[rows].tolist()}) for rows in (side.train, side.held_out))
    about = {**about, "seconds": round(time.monotonic() - started, 2)}
    done = CellDone(scores, cell.names[side.test].tolist(), trained, held, about)
    _write(cell, done)
    return done


def _network(cell: Cell) -> tuple[np.ndarray, dict[str, Any]]:
    import torch

    from faceprep.stages.classify.training import Pool, train_classifier

    def pool(faces: Kept, rows: np.ndarray, labels: np.ndarray) -> Pool:
        images = _resident(faces, cell.device)
        return Pool(images, torch.from_numpy(rows), torch.from_numpy(labels).to(cell.device))

    side, made = cell.side, cell.made
    train, held, test = (
        pool(cell.faces, rows, cell.labels[rows]) for rows in (side.train, side.held_out, side.test)
    )
    more = None if made is None else pool(made.faces, made.rows, made.labels)
    seed = cell.seed * 1000 + (0 if cell.fold is None else cell.fold + 1)
    found = train_classifier(
        train, held, cell.classes, cell.recipe, arm=cell.row.arm, synthetic=more, seed=seed
    )
    looks = [[look.update, look.loss, look.accuracy] for look in found.looks]
    return found.log_probabilities(test), {"stopped_at": found.stopped_at, "looks": looks}


@lru_cache(maxsize=4)
def _resident(faces: Kept, device: str) -> "torch.Tensor":
    """Pixels on a device; on the CPU all processes share the pages of the file."""
    import torch

    return torch.from_numpy(faces.read()).to(device)


def _logistic(cell: Cell) -> tuple[np.ndarray, dict[str, Any]]:
    from faceprep.stages.classify.logistic import Described, train_logistic

    values, side = cell.faces.read(), cell.side
    train, held, test = (
        Described(values[rows], cell.labels[rows])
        for rows in (side.train, side.held_out, side.test)
    )
    made = None
    if cell.made is not None:
        made = Described(cell.made.faces.read()[cell.made.rows], cell.made.labels)
    share = cell.recipe.synthetic_share
    found = train_logistic(train, held, cell.classes, synthetic=made, synthetic_share=share)
    return found.log_probabilities(test), {"strength": found.strength}


def _write(cell: Cell, done: CellDone) -> None:
    table = pa.table(
        {
            "face_id": pa.array(done.faces, pa.string()),
            "log_probabilities": pa.array(
                list(done.log_probabilities), pa.list_(pa.float64(), len(cell.classes))
            ),
        }
    )
    about = {**done.about, "trained_on": done.trained_on, "held_out": done.held_out}
    text = json.dumps(about, sort_keys=True).encode()
    with output_file(cell.path, "make room, then type the same command again") as aside:
        pq.write_table(table.replace_schema_metadata({METADATA_KEY: text}), aside)


def read_cell(cell: Cell) -> CellDone | None:
    """What a cell's file says; None where there is none, or none that is whole."""
    try:
        with pq.ParquetFile(cell.path) as file:
            table = file.read()
        about = json.loads((table.schema.metadata or {})[METADATA_KEY])
        scores = np.stack(table["log_probabilities"].to_numpy(zero_copy_only=False))
        trained, held = (about.pop(name) for name in ("trained_on", "held_out"))
    except (OSError, ValueError, KeyError, pa.ArrowInvalid):
        return None
    faces = table["face_id"].to_pylist()
    if faces != cell.names[cell.side.test].tolist():
        raise FaceprepError(f"{cell.path} is of other faces", f"rm {shlex.quote(str(cell.path))}")
    return CellDone(scores, faces, trained, held, about)
