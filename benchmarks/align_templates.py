"""Measure how much of the face each alignment template keeps in the crop; results in README.md.

    python benchmarks/align_templates.py [--detector mtcnn|dlib] [--every N]

For the shared photographs, and separately for surprised faces (dropped jaws): the share of faces
whose 17 points of the jaw are inside the crop, the share with all 68 points inside, and the height
of the chin in the crop, 1 being the lower edge.
"""

import argparse
import csv
import os
from pathlib import Path

import cv2
import numpy as np

from faceprep.config import AlignConfig
from faceprep.core.images import read_image
from faceprep.core.landmarks import CHIN, JAW
from faceprep.faces.alignment import (
    apply_affine,
    estimate_similarity,
    five_from_68,
    load_template,
    template_names,
)
from faceprep.faces.dlib.landmark_predictor import LandmarkPredictor
from faceprep.faces.finder import choose
from faceprep.faces.registry import load_finder

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("SHARED_FACES", ROOT.parent / "shared")) / "faces"
SIZE = 128
_GROUP = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detector", default="mtcnn", choices=["mtcnn", "dlib"])
    parser.add_argument("--every", type=int, default=1, help="use every n-th photograph")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with (SHARED / "labels.csv").open() as stream:
        labels = list(csv.DictReader(stream))[:: arguments.every]
    expressions, fives, points = measure(labels, arguments.detector)
    groups = {"surprise": expressions == "surprise", "all": np.full(len(expressions), True)}
    print(f"{arguments.detector}: {len(points)} faces in {len(labels)} photographs\n")
    print("| template | faces | number | chin line inside | all 68 inside | chin: median | 99 % |")
    print("|---|---|---|---|---|---|---|")
    for name in template_names():
        target = load_template(name, SIZE)
        crops = np.stack(
            [
                apply_affine(estimate_similarity(five, target), face)
                for five, face in zip(fives, points, strict=True)
            ]
        )
        inside = ((crops >= -0.5) & (crops <= SIZE - 0.5)).all(axis=2)
        chin = (crops[:, CHIN, 1] + 0.5) / SIZE
        for group, members in groups.items():
            jaw = inside[members][:, list(JAW)].all(axis=1).mean()
            whole = inside[members].all(axis=1).mean()
            middle, far = np.quantile(chin[members], (0.5, 0.99))
            numbers = f"{jaw:.1%} | {whole:.1%} | {middle:.2f} | {far:.2f}"
            print(f"| {name} | {group} | {members.sum()} | {numbers} |")


def measure(labels: list[dict], detector: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return expression, five points and 68 points of the largest face in each photograph."""
    finder = load_finder(AlignConfig(detector=detector), "cpu")
    predictor = LandmarkPredictor()
    expressions, fives, points = [], [], []
    for start in range(0, len(labels), _GROUP):
        part = labels[start : start + _GROUP]
        images = [read_image(SHARED / "images" / row["image"]) for row in part]
        found = [each.faces for each in finder.find(images, part)]
        known = [k for k, faces in enumerate(found) if faces]
        chosen = [choose(found[k], "largest", images[k].shape) for k in known]
        if not chosen:
            continue
        shapes = predictor.predict_many([images[k] for k in known], chosen)
        for k, face, shape in zip(known, chosen, shapes, strict=True):
            expressions.append(part[k]["expression"])
            fives.append(five_from_68(shape) if face.landmarks5 is None else face.landmarks5)
            points.append(shape)
    return np.array(expressions), np.array(fives), np.array(points)


if __name__ == "__main__":
    main()
