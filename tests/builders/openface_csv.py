"""Build CSV files as OpenFace writes them, and the corresponding faces."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R
from faceprep.faces.action_units.backend import FaceInput

FACE = np.random.default_rng(5).uniform(-40, 40, (68, 2))
FACE[[0, 1]] = [-40, -40], [40, 40]  # the box is 80 wide and high for any seed

AU_COLUMNS = (*COLUMNS_R, *COLUMNS_C)
LANDMARK_COLUMNS = tuple(f"{axis}_{k}" for axis in "xy" for k in range(68))
STILL_COLUMNS = ("face", "confidence", *LANDMARK_COLUMNS, *AU_COLUMNS)
VIDEO_COLUMNS = ("frame", "face_id", "timestamp", "confidence", "success", *STILL_COLUMNS[2:])


def face_at(x: float, y: float) -> np.ndarray:
    """Return 68 points, 80 pixels wide and high, around a position."""
    return np.round(FACE + [x, y], 1)


def cells(au: float = 1.5, points: np.ndarray | None = None, **others: object) -> dict[str, object]:
    """Return one row: each intensity is `au`, every other presence is 1."""
    row: dict[str, object] = {"face": 0, "face_id": 0, "confidence": 0.98, "success": 1}
    row |= {"timestamp": "0.000", "frame": 1}
    row |= dict.fromkeys(COLUMNS_R, f"{au:.2f}")
    row |= {name: f"{k % 2}.00" for k, name in enumerate(COLUMNS_C)}
    points = face_at(100, 100) if points is None else points
    row |= {f"{axis}_{k}": points[k, i] for i, axis in enumerate("xy") for k in range(68)}
    return row | others


def csv_text(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str] = STILL_COLUMNS,
    separator: str = ", ",
    end: str = "\n",
) -> str:
    """Return rows with a header."""
    lines = [separator.join(columns)]
    lines += [separator.join(str(row[name]) for name in columns) for row in rows]
    return end.join(lines) + end


def video_text(aus: Sequence[float], **others: object) -> str:
    """Return a file of FeatureExtraction with constant intensities per frame."""
    rows = [cells(au, frame=k, **others) for k, au in enumerate(aus, 1)]
    return csv_text(rows, VIDEO_COLUMNS)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def face_of(
    path: str,
    points: np.ndarray | None = None,
    subject: str = "S",
    sequence: str | None = None,
    **select: object,
) -> FaceInput:
    """Return a face whose crop is the photograph."""
    points = face_at(100, 100) if points is None else points
    identifier = "folder/" + path.rpartition(".")[0]
    row = {"face_id": identifier, "path": path, "subject": subject, "sequence": sequence}
    crop = f"images/00000/{identifier.replace('/', '__')}.png"
    align = {"landmarks68": points.ravel().tolist(), "matrix": [1, 0, 0, 0, 1, 0], "crop": crop}
    return FaceInput(points, None, {**row, "sha256": None, **select}, {**align, "status": "ok"})
