"""Backend ``openface-csv``: the values in CSV files that OpenFace wrote, here or elsewhere.

Asked for by name only. ``aus.openface_csv`` is the folder of the files, or one of them; which
layouts are found, and how, stands in `csv_faces`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceprep.config import Config
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.openface.csv.faces import CsvFace, CsvFaces
from faceprep.faces.action_units.openface.csv.folder import csv_folder


class CsvBackend:
    """Joins CSV files to faces; a face without a row fails with the reason."""

    name = "openface-csv"

    def available(self, config: Config) -> str | None:
        """Say what is missing: the setting, the folder, or any CSV file in it."""
        path = config.aus.openface_csv
        if path is None:
            return "aus.openface_csv is not set (the folder of your CSV files)"
        if not path.expanduser().exists():
            return f"there is no {path} (aus.openface_csv)"
        if not csv_folder(_path(config)).names:
            return f"no CSV file below {path} (aus.openface_csv)"
        return None

    def fingerprint(self, config: Config) -> dict[str, Any]:
        """Names, sizes and times of the files, and which pictures they are of."""
        return {"files": csv_folder(_path(config)).fingerprint(), "input": config.aus.input}

    def run(self, faces: Sequence[FaceInput], config: Config, scratch: Path) -> list[AUResult]:
        """Look every face up."""
        found = CsvFaces(_path(config), config.dataset_root(), config.aus.input)
        return [_result(face) for face in found.find_all(faces)]


def _path(config: Config) -> Path:
    """Absolute, so that it is the same file wherever it is asked for."""
    assert config.aus.openface_csv is not None  # available() said so
    return config.aus.openface_csv.expanduser().absolute()


def _result(face: CsvFace) -> AUResult:
    if face.row is None:
        return AUResult(reason=face.reason)
    result = face.row.result()
    return result if result.reason is None else AUResult(reason=f"{face.label}: {result.reason}")
