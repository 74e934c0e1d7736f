"""align with a detector: the chosen face, photographs without one, and real photographs."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders.align import config_of, face_at, photograph, selected

from faceprep.core.images import write_png
from faceprep.execution.stage import ShardOutput
from faceprep.faces import registry
from faceprep.faces.alignment import estimate_similarity, five_from_68, load_template
from faceprep.faces.dlib import landmark_predictor
from faceprep.faces.finder import Face
from faceprep.stages.align.stage import STAGE
from faceprep.workspace.manifest import Row


class Scripted:
    """A detector whose faces follow from the top left pixel of the photograph."""

    name = "scripted"

    def detect(self, images: list[np.ndarray]) -> list[list[Face]]:
        return [self._faces(image) for image in images]

    def _faces(self, image: np.ndarray) -> list[Face]:
        code = int(image[0, 0, 0])
        five = five_from_68(face_at(100, 80)).astype(np.float32)
        sure = Face((40, 20, 100, 110), 0.98, five)
        big = Face((0, 0, 190, 150), 0.3, five)
        if code == 3:
            raise RuntimeError("allocator:\n  cannot  allocate")
        nowhere = Face((0, 0, 10, 10), 0.9, np.zeros((5, 2), np.float32))
        return {0: [], 1: [sure], 2: [sure, big], 4: [big], 5: [nowhere]}.get(code, [])


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, root: Path) -> Callable[..., dict[int, Row]]:
    monkeypatch.setattr(registry, "_mtcnn", lambda *_: Scripted())
    for code in range(6):
        image = photograph()
        image[0, 0] = code
        write_png(root / f"{code}.png", image)
    return lambda run, **options: {
        int(row["face_id"][7]): row
        for row in run([selected(f"{k}.png") for k in range(6)], detector="mtcnn", **options)
    }


def test_every_outcome_of_detection(
    scripted: Callable[..., dict[int, Row]], align_rows: Callable[..., list[Row]]
) -> None:
    rows = scripted(align_rows)
    assert [rows[k]["status"] for k in range(6)] == [
        "no_face",
        "ok",
        "ok",
        "unreadable",
        "ok",
        "landmarks_failed",
    ]
    assert rows[0]["faces_found"] == 0
    assert rows[3]["reason"] == "scripted failed on it: RuntimeError: allocator: cannot allocate"
    assert rows[2]["faces_found"] == 2
    assert rows[2]["confidence"] == pytest.approx(0.3)  # the largest
    assert rows[1]["detector"] == "scripted"
    assert np.isfinite(rows[1]["landmarks68"]).all()
    five = five_from_68(face_at(100, 80))
    np.testing.assert_allclose(np.reshape(rows[1]["landmarks5"], (5, 2)), five, atol=1e-3)
    assert rows[5]["faces_found"] == 1
    assert rows[5].get("crop") is None


def test_unsure_faces_step_back(
    scripted: Callable[..., dict[int, Row]], align_rows: Callable[..., list[Row]]
) -> None:
    rows = scripted(align_rows, min_confidence=0.5)
    assert rows[2]["status"] == "ok"
    assert rows[2]["confidence"] == pytest.approx(0.98)  # the largest of the sure ones
    assert rows[2]["faces_found"] == 2
    assert rows[4]["status"] == "low_confidence"
    assert "0.300 is below 0.5" in rows[4]["reason"]
    assert rows[4]["confidence"] == pytest.approx(0.3)
    assert list(rows[4]["box"]) == [0, 0, 190, 150]
    assert rows[4].get("crop") is None


def test_a_photograph_that_breaks_the_landmarks_harms_no_other(
    scripted: Callable[..., dict[int, Row]],
    align_rows: Callable[..., list[Row]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Breaks:
        def predict_many(self, images: list[np.ndarray], faces: list[Face]) -> np.ndarray:
            if any(int(image[0, 0, 0]) == 2 for image in images):
                raise cv2.error("assertion failed")
            return np.stack([face_at(100, 80)] * len(images))

    monkeypatch.setattr(landmark_predictor, "shared_predictor", Breaks)
    rows = scripted(align_rows)
    assert rows[2]["status"] == "landmarks_failed"
    assert "assertion failed" in rows[2]["reason"]
    assert rows[1]["status"] == "ok"
    assert rows[4]["status"] == "ok"


# ----- real photographs


def test_given_points_are_measured_as_detected_ones_are(shared: Path, tmp_path: Path) -> None:
    folder = shared / "faces" / "images"
    names = sorted(path.name for path in folder.iterdir())[:30:10]

    def rows_of(select: list[Row], detector: str) -> list[Row]:
        out = ShardOutput(tmp_path, "images/00000")
        config = config_of(folder, detector=detector)
        return STAGE.process({"select": select}, range(len(select)), config, out)

    detected = rows_of([selected(name) for name in names], "mtcnn")
    annotated = [
        selected(name, landmarks5=row["landmarks5"])
        for name, row in zip(names, detected, strict=True)
    ]
    for found, given in zip(detected, rows_of(annotated, "given"), strict=True):
        assert given["crop_sha256"] == found["crop_sha256"]
        np.testing.assert_allclose(given["landmarks68"], found["landmarks68"], atol=0.01)
        # The box drawn about the five points is near the detector's.
        x, y, width, height = np.array(given["box"]) - found["box"]
        assert max(map(abs, (x, y, width, height))) < 0.2 * found["box"][3]


@pytest.mark.parametrize("detector", ["mtcnn", "dlib"])
def test_real_photographs(shared: Path, tmp_path: Path, detector: str) -> None:
    folder = shared / "faces" / "images"
    names = sorted(path.name for path in folder.iterdir())[:200:10]
    tmp_path = tmp_path / "crops"
    tmp_path.mkdir()
    rows = STAGE.process(
        {"select": [selected(name) for name in names]},
        range(len(names)),
        config_of(folder, detector=detector),
        ShardOutput(tmp_path, "images/00000"),
    )
    ok = [row for row in rows if row["status"] == "ok"]
    assert len(ok) >= len(names) - 2
    template = load_template("expression", 128)
    for row in ok:
        points = np.reshape(row["landmarks68"], (68, 2))
        # The 68 points agree with where the template puts eyes, nose and mouth.
        assert np.abs(five_from_68(points) - template).mean() < 7
        matrix = estimate_similarity(np.reshape(row["landmarks5"], (5, 2)), template)
        np.testing.assert_allclose(np.reshape(row["matrix"], (2, 3)), matrix, rtol=1e-3, atol=1e-2)
