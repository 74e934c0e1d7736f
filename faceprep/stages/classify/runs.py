"""A training run of the accuracy table: settings, faces, result and file.

<workspace>/classify/cells/flips-3000-seed0-fold01-<key>.parquet     written when the run is done

The key is a hash of everything that determines the result. A run whose file exists is done.
"""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from faceprep.config import ClassifyConfig
from faceprep.core.errors import Again, FaceprepError, Shell
from faceprep.core.files import digest, output_file
from faceprep.stages.classify.array_cache import CachedArray
from faceprep.stages.classify.faces import Split
from faceprep.workspace.schemas import METADATA_KEY

#: Incremented when a change of code affects the results.
VERSION = 1

STAGE = "classify"

#: Arm that fits a logistic regression on face features; the others train a network on pixels.
LOGISTIC = "logistic"

#: Settings of ``[classify]`` that determine a run.
SETTINGS = (
    "network", "updates", "batch", "synthetic_share", "even", "learning_rate", "weight_decay",
    "smoothing", "classic_strength", "look_every", "bf16",
)  # fmt: skip


@dataclass(frozen=True)
class TableRow:
    """A row of the table: an arm and a number of synthetic faces."""

    arm: str
    synthetic: int

    @property
    def name(self) -> str:
        """Printed name."""
        return f"{self.arm}, {self.synthetic:,} synthetic" if self.synthetic else self.arm


@dataclass(frozen=True)
class RunSynthetic:
    """Synthetic faces of a run."""

    array: CachedArray  # pixels of all synthetic faces, or features for `LOGISTIC`
    #: ``(n,) int64``; used rows of `array`, and their expressions.
    rows: np.ndarray
    labels: np.ndarray
    key: str  # hash of the content of the used rows, independent of further faces


@dataclass(frozen=True)
class TrainingRun:
    """One training."""

    #: Row of the table, seed, and test fold; None for the split of the selection.
    row: TableRow
    seed: int
    fold: int | None
    #: Expressions, and the labels ``(N,)`` of all real faces.
    classes: tuple[str, ...]
    labels: np.ndarray
    split: Split  # sides of the real faces
    array: CachedArray  # pixels of all real faces, or features for `LOGISTIC`
    config: ClassifyConfig  # section ``[classify]``; a run reads `SETTINGS` of it
    synthetic: RunSynthetic | None  # synthetic faces, or None
    #: ``(N,)``; names and subjects of all real faces.
    face_ids: np.ndarray
    subjects: np.ndarray
    device: str  # device of the training
    folder: Path  # folder of the files of all runs

    @cached_property
    def key(self) -> str:
        """Hash of everything that determines the result."""
        synthetic = None
        if self.synthetic is not None:
            rows, labels = self.synthetic.rows.tolist(), self.synthetic.labels.tolist()
            synthetic = [self.synthetic.key, rows, labels]
        split = [side.tolist() for side in vars(self.split).values()]
        settings = {name: getattr(self.config, name) for name in SETTINGS}
        run = [VERSION, self.row.arm, self.seed, self.fold, self.classes, settings, self.array.key]
        faces = [self.labels.tolist(), split, self.face_ids.tolist()]
        return digest([run, *faces, synthetic, self.device])

    @property
    def path(self) -> Path:
        """File of the run."""
        fold = "" if self.fold is None else f"-fold{self.fold:02d}"
        name = f"{self.row.arm}-{self.row.synthetic}-seed{self.seed}{fold}-{self.key}.parquet"
        return self.folder / name


@dataclass(frozen=True)
class RunResult:
    """Result of a training run, as stored in its file."""

    log_probabilities: np.ndarray  # ``(F, K)``; log-probabilities of the test faces, in their order
    face_ids: list[str]  # ``face_id`` of the test faces
    #: Subjects of the training and of the held-out faces.
    trained_on: list[str]
    held_out: list[str]
    metadata: dict[str, Any] = field(default_factory=dict)  # best update, evaluations, seconds


def write_result(run: TrainingRun, result: RunResult) -> None:
    """Write the file of a run.

    Raises
    ------
    FaceprepError
        It cannot be written.
    """
    scores = list(result.log_probabilities)
    table = pa.table(
        {
            "face_id": pa.array(result.face_ids, pa.string()),
            "log_probabilities": pa.array(scores, pa.list_(pa.float64(), len(run.classes))),
        }
    )
    subjects = {"trained_on": result.trained_on, "held_out": result.held_out}
    text = json.dumps({**result.metadata, **subjects}, sort_keys=True).encode()
    with output_file(
        run.path, Again({"overwrite": False}, note="when there is space")
    ) as temporary:
        pq.write_table(table.replace_schema_metadata({METADATA_KEY: text}), temporary)


def read_result(run: TrainingRun) -> RunResult | None:
    """Read the file of a run; None if it is missing or damaged."""
    try:
        with pq.ParquetFile(run.path) as file:
            table = file.read()
        metadata = json.loads((table.schema.metadata or {})[METADATA_KEY])
        scores = np.stack(table["log_probabilities"].to_numpy(zero_copy_only=False))
        trained, held = (metadata.pop(name) for name in ("trained_on", "held_out"))
    except (OSError, ValueError, KeyError, pa.ArrowInvalid):
        return None
    face_ids = table["face_id"].to_pylist()
    if face_ids != run.face_ids[run.split.test].tolist():
        raise FaceprepError(f"{run.path} is of other faces", Shell(("rm", str(run.path))))
    return RunResult(scores, face_ids, trained, held, metadata)
