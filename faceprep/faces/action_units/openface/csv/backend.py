"""Backend ``openface-csv``: read the values from CSV files of OpenFace.

The backend is only used when requested by name. ``aus.openface_csv`` is a folder of CSV files or
one file; `csv.faces` describes the supported layouts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceprep.config import Config
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.openface.csv.faces import CsvFace, CsvFaces
from faceprep.faces.action_units.openface.csv.folder import csv_folder


class CsvBackend:
    """Assign rows of CSV files to faces; a face without a row fails with a reason."""

    name = "openface-csv"

    def available(self, config: Config) -> str | None:
        """Return the missing part: the setting, the folder, or its CSV files."""
        path = config.aus.openface_csv
        if path is None:
            return "aus.openface_csv is not set (the folder of your CSV files)"
        if not path.expanduser().exists():
            return f"there is no {path} (aus.openface_csv)"
        if not csv_folder(_path(config)).names:
            return f"no CSV file below {path} (aus.openface_csv)"
        return None

    def fingerprint(self, config: Config) -> dict[str, Any]:
        """Return the digest of names, sizes and times of the files, and the kind of images."""
        return {"files": csv_folder(_path(config)).fingerprint(), "input": config.aus.input}

    def run(self, faces: Sequence[FaceInput], config: Config, scratch: Path) -> list[AUResult]:
        """Return the values in the row of each face."""
        found = CsvFaces(_path(config), config.dataset_root(), config.aus.input)
        return [_result(face) for face in found.find_all(faces)]


def _path(config: Config) -> Path:
    """Return the absolute path of the files, which identifies them in caches."""
    assert config.aus.openface_csv is not None  # checked by available()
    return config.aus.openface_csv.expanduser().absolute()


def _result(face: CsvFace) -> AUResult:
    if face.row is None:
        return AUResult(reason=face.reason)
    result = face.row.result()
    return result if result.reason is None else AUResult(reason=f"{face.label}: {result.reason}")
