"""Compare MTCNN of faceprep with the package `mtcnn` 1.0.0 on the same photographs.

    python benchmarks/mtcnn_agreement.py [--shared ../shared] [--every 1]

For each search method, the script prints the share of the package's faces that are matched with IoU
≥ 0.9, the IoU and key-point distance (the package rounds to whole pixels, which causes 0.38 px),
the share of equal largest faces, and the CPU time of one thread. The exit code is 1 below the
target: 99 % of the faces matched, and at most 1 px between key points.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from faceprep.core.images import read_image
from faceprep.faces.finder import Face
from faceprep.faces.mtcnn.boxes import overlaps
from faceprep.faces.mtcnn.detector import MTCNN

KEYPOINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--shared", type=Path, default=Path("../shared"))
    arguments.add_argument("--every", type=int, default=1, help="use every n-th photograph")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    reference = json.loads((options.shared / "reference/mtcnn_photos.json").read_text())["faces"]
    names = sorted(reference)[:: options.every]
    images = [read_image(options.shared / "faces/images" / name) for name in names]
    print(f"{len(names)} photographs, {sum(len(reference[n]) for n in names)} faces by the package")
    print(
        f"{'search':<12}{'found':>6}{'matched':>9}{'mean IoU':>10}{'points px':>11}{'worst px':>10}"
        f"{'largest':>9}{'ms/image':>10}"
    )
    passed = True
    for search in ("full", "large-first"):
        passed &= compare(search, images, [reference[name] for name in names])
    return 0 if passed else 1


def compare(search: str, images: list[np.ndarray], reference: list[list[dict]]) -> bool:
    """Print one row of the table; return whether it meets the target."""
    detector = MTCNN(search=search)
    detector.detect(images[:32])
    start = time.process_time()
    found = detector.detect(images)
    milliseconds = (time.process_time() - start) / len(images) * 1e3

    ious, distances, same = [], [], []
    for faces, expected_faces in zip(found, reference, strict=True):
        if not expected_faces:
            continue
        expected = np.array([face["box"] for face in expected_faces], float)
        points = np.array([[face["keypoints"][k] for k in KEYPOINTS] for face in expected_faces])
        iou = overlaps(corners(expected), corners([face.box for face in faces]))
        best = iou.argmax(axis=1) if faces else None
        for i in range(len(expected_faces)):
            ious.append(0.0 if best is None else iou[i, best[i]])
            if best is not None:
                distance = np.linalg.norm(faces[best[i]].landmarks5 - points[i], axis=1)
                distances.append(distance.mean())
        same.append(bool(faces) and iou[largest(expected), largest(boxes(faces))] >= 0.9)
    matched = np.mean(np.array(ious) >= 0.9)
    print(
        f"{search:<12}{sum(map(len, found)):>6}{matched:>9.2%}{np.mean(ious):>10.4f}"
        f"{np.mean(distances):>11.3f}{np.max(distances):>10.2f}{np.mean(same):>9.2%}"
        f"{milliseconds:>10.2f}"
    )
    return matched >= 0.99 and np.mean(same) >= 0.99 and np.mean(distances) <= 1


def boxes(faces: list[Face]) -> np.ndarray:
    return np.array([face.box for face in faces])


def corners(sizes: np.ndarray | list) -> np.ndarray:
    array = np.asarray(sizes, float).reshape(-1, 4)
    return np.concatenate([array[:, :2], array[:, :2] + array[:, 2:]], axis=1)


def largest(sizes: np.ndarray) -> int:
    return int((sizes[:, 2] * sizes[:, 3]).argmax())


if __name__ == "__main__":
    sys.exit(main())
