"""Measure the distance between the 68 landmarks and OpenFace's, for several detectors.

    python benchmarks/landmark_error.py [--shared ../shared] [--every 2]

The error of a face is the mean distance of its points relative to the distance between the outer
eye corners. The table gives medians over photographs in which OpenFace finds one face with high
confidence and both detectors find it. OpenFace's landmarks are no manual annotations, so
differences in convention, mainly along the jaw, affect all rows. The measurement is repeated on
photographs rotated by 30 degrees. The last line gives the positions of MTCNN's five points in the
HOG boxes, which is `faceprep.faces.dlib.landmark_predictor.FIVE_IN_BOX`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import dlib
import numpy as np
import pandas as pd
import torch

from faceprep.core.images import read_image
from faceprep.faces.dlib.detector import DlibHOG
from faceprep.faces.dlib.landmark_predictor import LandmarkPredictor
from faceprep.faces.finder import Face
from faceprep.faces.model_files import dlib_model
from faceprep.faces.mtcnn.detector import MTCNN

Method = Callable[[np.ndarray, Face | None, Face | None], np.ndarray]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--shared", type=Path, default=Path("../shared"))
    arguments.add_argument("--every", type=int, default=2, help="use every n-th photograph")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    table = pd.read_csv(options.shared / "reference/openface_photos.csv").set_index("image")
    table = table[(table.faces == 1) & (table.confidence > 0.9)].iloc[:: options.every]
    truth = np.stack([table[[f"{axis}_{i}" for i in range(68)]].to_numpy() for axis in "xy"], -1)
    images = [read_image(options.shared / "faces/images" / name) for name in table.index]
    for turn in (0, 30):
        print(f"\n{len(images)} photographs turned by {turn} degrees")
        compare([turned(image, turn) for image in images], truth, turn)


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    return cv2.warpAffine(image, turning(image.shape, degrees), image.shape[1::-1])


def turning(shape: tuple[int, ...], degrees: float) -> np.ndarray:
    return cv2.getRotationMatrix2D((shape[1] / 2, shape[0] / 2), degrees, 0.8 if degrees else 1)


def compare(images: list[np.ndarray], truth: np.ndarray, degrees: float) -> None:
    found = list(
        zip(largest(MTCNN().detect(images)), largest(DlibHOG().detect(images)), strict=True)
    )
    print(f"found: mtcnn {sum(m is not None for m, _ in found)}", end=", ")
    print(f"dlib {sum(h is not None for _, h in found)}")
    both = [i for i, pair in enumerate(found) if None not in pair]
    rows: dict[str, list[np.ndarray]] = {}
    ways = methods()
    for i in both:
        matrix = turning(images[i].shape, degrees)
        goal = truth[i] @ matrix[:, :2].T + matrix[:, 2]
        width = np.linalg.norm(goal[36] - goal[45])
        for name, method in ways.items():
            distance = np.linalg.norm(method(images[i], *found[i]) - goal, axis=1) / width
            rows.setdefault(name, []).append(distance)
    print(f"{len(both)} faces{'all':>33}{'without jaw':>13}{'jaw':>9}{'90 % all':>10}")
    for name, distances in rows.items():
        d = np.stack(distances)
        parts = [d.mean(1), d[:, 17:].mean(1), d[:, :17].mean(1)]
        medians = "".join(f"{np.median(part):>11.4f}" for part in parts)
        print(f"{name:<32}{medians}{np.quantile(parts[0], 0.9):>10.4f}")
    if not degrees:
        places = [five_in_box(*found[i]) for i in both]
        print("five points in the HOG box:", np.median(places, axis=0).round(3).tolist())


def methods() -> dict[str, Method]:
    ours = LandmarkPredictor()
    dlibs = dlib.shape_predictor(str(dlib_model("shape_predictor_68_face_landmarks")))

    def by_dlib(image: np.ndarray, face: Face) -> np.ndarray:
        x, y, w, h = face.box
        box = dlib.rectangle(*(round(v) for v in (x, y, x + w, y + h)))
        return np.array([(p.x, p.y) for p in dlibs(image, box).parts()], float)

    return {
        "HOG box, dlib": lambda image, _, hog: by_dlib(image, hog),
        "HOG box, ours (two passes)": lambda image, _, hog: ours.predict(image, hog),
        "MTCNN box as it is, dlib": lambda image, mtcnn, _: by_dlib(image, mtcnn),
        "MTCNN points, ours": lambda image, mtcnn, _: ours.predict(image, mtcnn),
    }


def largest(faces: list[list[Face]]) -> list[Face | None]:
    return [max(f, key=lambda face: face.box[2] * face.box[3], default=None) for f in faces]


def five_in_box(mtcnn: Face, hog: Face) -> np.ndarray:
    x, y, width, _ = hog.box
    return (mtcnn.landmarks5 - (x, y)) / width


if __name__ == "__main__":
    main()
