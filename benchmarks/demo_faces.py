"""Measure the demo dataset: rendering time, detection rates, and landmark errors.

    python benchmarks/demo_faces.py [--subjects 40] [--frames 9] [--every 5] [-j 2] [--sheet FILE]

The script renders the default demo dataset to a temporary folder and prints: rendering time, faces
found by dlib's frontal detector (no upsampling) and by MTCNN, and the distance between dlib's 68
points and the true ones relative to the distance between the outer eye corners, by region. The exit
code is 1 if a detector finds fewer than 98 %.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq

from faceprep.core.images import read_image
from faceprep.demo import DemoSettings, render_demo
from faceprep.faces.dlib.detector import DlibHOG
from faceprep.faces.dlib.landmark_predictor import LandmarkPredictor
from faceprep.faces.mtcnn.detector import MTCNN

BAR = 0.98
REGIONS = {
    "jaw": slice(0, 17), "brows": slice(17, 27), "nose": slice(27, 36), "eyes": slice(36, 48),
    "mouth": slice(48, 68), "all": slice(0, 68),
}  # fmt: skip


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--subjects", type=int, default=40)
    arguments.add_argument("--frames", type=int, default=9)
    arguments.add_argument("--every", type=int, default=5, help="use every n-th face")
    arguments.add_argument("-j", "--workers", type=int, default=2)
    arguments.add_argument("--sheet", type=Path, help="write a contact sheet of the peaks")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "demo"
        start = time.perf_counter()
        render_demo(root, DemoSettings(subjects=options.subjects, frames=options.frames),
                    workers=options.workers)  # fmt: skip
        seconds = time.perf_counter() - start
        rows = pq.read_table(root / "faceprep_demo" / "truth.parquet").to_pylist()
        each = 1000 * options.workers * seconds / len(rows)
        print(
            f"rendered {len(rows)} images in {seconds:.1f} s with {options.workers} processes: "
            f"{each:.1f} ms per image and process"
        )
        if options.sheet:
            sheet(root, rows, options.sheet)
        chosen = rows[:: options.every]
        images = [read_image(root / row["path"]) for row in chosen]
        truth = [np.array(row["landmarks68"]).reshape(68, 2) for row in chosen]
    return 0 if min(with_mtcnn(images), with_dlib(images, truth)) >= BAR else 1


def with_mtcnn(images: list[np.ndarray]) -> float:
    """Print and return the share of faces found."""
    counts = [len(faces) for faces in MTCNN().detect(images)]
    found = sum(count > 0 for count in counts)
    print(f"mtcnn: {found} of {len(images)} found, {sum(c > 1 for c in counts)} with another face")
    return found / len(images)


def with_dlib(images: list[np.ndarray], truth: list[np.ndarray]) -> float:
    """Print and return the share of faces found; print the error of the 68 points."""
    detector, predictor = DlibHOG(upsample=0), LandmarkPredictor()
    errors = []
    for image, points in zip(images, truth, strict=True):
        faces = detector.detect([image])[0]
        if faces:
            away = predictor.predict(image, faces[0]) - points
            errors.append(np.linalg.norm(away, axis=1) / np.linalg.norm(points[36] - points[45]))
    print(f"dlib, not upsampled: {len(errors)} of {len(images)} found")
    mean = np.mean(errors, axis=0)
    parts = ", ".join(f"{name} {100 * mean[part].mean():.1f}" for name, part in REGIONS.items())
    print(f"68 points, mean error in % of the distance between the outer eye corners: {parts}")
    return len(errors) / len(images)


def sheet(root: Path, rows: list[dict], target: Path, people: int = 8, side: int = 160) -> None:
    """Write one row per subject: the last frame of each expression."""
    last = {(row["subject"], row["expression"]): row["path"] for row in rows}
    subjects = sorted({subject for subject, _ in last})[:people]
    expressions = sorted({expression for _, expression in last})
    tiles = [
        np.hstack([
            cv2.resize(read_image(root / last[subject, expression]), (side, side),
                       interpolation=cv2.INTER_AREA) for expression in expressions
        ]) for subject in subjects
    ]  # fmt: skip
    cv2.imwrite(str(target), np.vstack(tiles)[..., ::-1])
    print(f"{target}: rows {', '.join(subjects)}; columns {', '.join(expressions)}")


if __name__ == "__main__":
    sys.exit(main())
