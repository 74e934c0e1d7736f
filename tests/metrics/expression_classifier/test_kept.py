"""The classifier of a workspace is trained once."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from faceprep.metrics.expression_classifier import kept
from faceprep.metrics.expression_classifier.kept import kept_classifier
from faceprep.metrics.expression_classifier.landmark_classifier import LandmarkClassifier
from faceprep.metrics.expression_classifier.landmark_hog import LandmarkHog
from faceprep.workspace import Workspace

CLASSES = ("anger", "fear", "happiness")


class Features:
    """Faces whose features are known, so that no landmarks have to be found."""

    def __init__(self, count: int = 24) -> None:
        random = np.random.default_rng(3)
        self.expressions = np.array([CLASSES[k % 3] for k in range(count)])
        self.subjects = np.array([f"folder/S{k % 4}" for k in range(count)])
        shift = np.array([[k % 3] for k in range(count)], np.float32)
        self.landmark_hog = LandmarkHog(
            *(
                random.normal(size=(count, 6)).astype(np.float32) + shift
                for _ in LandmarkHog._fields
            )
        )
        self.mirrored_landmark_hog = self.landmark_hog

    def __len__(self) -> int:
        return len(self.expressions)

    def take(self, rows: np.ndarray) -> "Features":
        return self

    def prepare(self) -> None:
        pass


@pytest.fixture
def rows() -> pd.DataFrame:
    faces = Features()
    return pd.DataFrame(
        {
            "dataset": "folder",
            "subject": [name.split("/")[1] for name in faces.subjects],
            "expression": faces.expressions,
            "crop_sha256": [f"{k:064d}" for k in range(len(faces))],
        },
        index=[f"folder/{k}" for k in range(len(faces))],
    )


def test_it_is_read_again_until_something_changes(
    tmp_path: Path, rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[int] = []

    def read_faces(workspace: Workspace, rows: pd.DataFrame, size: int) -> Any:
        trained.append(size)
        return Features()

    monkeypatch.setattr(kept, "read_faces", read_faces)
    place, faces = Workspace(tmp_path), Features()
    first = kept_classifier(place, rows, CLASSES, 64)
    again = kept_classifier(place, rows, CLASSES, 64)
    assert trained == [64]
    assert again.classes == first.classes
    assert again.subjects == first.subjects
    want = first.log_probabilities(faces)  # type: ignore[arg-type]
    assert np.array_equal(again.log_probabilities(faces), want)  # type: ignore[arg-type]
    kept_classifier(place, rows, CLASSES, 32)
    kept_classifier(place, rows.assign(expression="fear"), CLASSES, 64)
    kept_classifier(place, rows.assign(crop_sha256="0"), CLASSES, 64)
    kept_classifier(place, rows.iloc[::-1], CLASSES, 64)
    assert len(trained) == 5
    monkeypatch.setattr(kept, "versions", lambda: {"faceprep": "9"})
    kept_classifier(place, rows, CLASSES, 64)
    assert len(trained) == 6


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-40], lambda data: b"PK" * 9]
)
def test_a_damaged_file_is_written_again(
    tmp_path: Path, rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, damage: Any
) -> None:
    monkeypatch.setattr(kept, "read_faces", lambda *words: Features())
    place = Workspace(tmp_path)
    kept_classifier(place, rows, CLASSES, 64)
    (file,) = (tmp_path / "judges").iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert isinstance(kept_classifier(place, rows, CLASSES, 64), LandmarkClassifier)
    assert [path.read_bytes() for path in (tmp_path / "judges").iterdir()] == [whole]
