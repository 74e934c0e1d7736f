"""Compare dlib's face-recognition network in torch with dlib; results in README.md.

    python benchmarks/face_features.py [--every N] [--threads N]

1. Verification on the shared photographs: distances within and between people, with dlib's pipeline
   (detector, points and chips, one face at a time) and with aligned crops. Only photographs in
   which both detectors find the face are used. Nothing is fitted, so there is no split.
2. Largest difference between the embeddings of the same chips.
3. Embeddings per second, best of five rounds.
"""

import argparse
import csv
import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import dlib
import numpy as np
import torch

from faceprep.config import AlignConfig
from faceprep.core.images import read_image
from faceprep.faces.alignment import estimate_similarity, load_template, warp
from faceprep.faces.features import FaceFeatures, load_features
from faceprep.faces.finder import choose
from faceprep.faces.model_files import dlib_model
from faceprep.faces.registry import load_finder

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("SHARED_FACES", ROOT.parent / "shared")) / "faces"
CROP_SIZES = (64, 128, 256)
_BATCH = 64
_ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="use every n-th photograph")
    parser.add_argument("--threads", type=int, default=1, help="number of torch threads")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(arguments.threads)
    torch.set_grad_enabled(False)
    with (SHARED / "labels.csv").open() as stream:
        labels = list(csv.DictReader(stream))[:: arguments.every]
    subjects, chips, crops = measure(labels)
    network = dlib.face_recognition_model_v1(
        str(dlib_model("dlib_face_recognition_resnet_model_v1"))
    )
    own = np.array([network.compute_face_descriptor(chip) for chip in chips])
    ours, of_chips = load_features(), load_features(template="dlib")

    people = len(set(subjects))
    print(f"{len(subjects)} photographs of {people} people; two photographs of one person against")
    print(
        "two people: mean distances, area under the curve, accepted at 1 % false accepts, rank 1\n"
    )
    print("| | same | different | AUC | TAR at 1 % FAR | rank 1 |\n|---|---|---|---|---|---|")
    row("dlib's own pipeline", own, subjects)
    row("dlib's chips, torch", embed(of_chips, chips), subjects)
    for size, images in crops.items():
        row(f"crops of {size}", embed(ours, images), subjects)
    row("crops of 128, whole", embed(of_chips, crops[128]), subjects)

    difference = np.abs(embed(of_chips, chips) - own).max()
    print(f"\nlargest difference to dlib on {len(chips)} chips: {difference:.1e}\n")
    batch, some = tensor(crops[128][:_BATCH]), list(chips[:_BATCH])
    print(f"| {arguments.threads} thread(s), {_BATCH} faces | embeddings/s |\n|---|---|")
    speed("dlib, one by one", lambda: [network.compute_face_descriptor(chip) for chip in some])
    speed("dlib, a batch", lambda: network.compute_face_descriptor(some))
    speed("torch, a batch of crops", lambda: ours.embed(batch))


def measure(labels: list[dict]) -> tuple[np.ndarray, np.ndarray, dict[int, np.ndarray]]:
    """Return subjects, dlib's chips and aligned crops by size, of faces found by both detectors."""
    finder = load_finder(AlignConfig(), "cpu")
    detect = dlib.get_frontal_face_detector()
    predict = dlib.shape_predictor(str(dlib_model("shape_predictor_68_face_landmarks")))
    subjects, chips = [], []
    crops: dict[int, list[np.ndarray]] = {size: [] for size in CROP_SIZES}
    for label in labels:
        image = read_image(SHARED / "images" / label["image"])
        faces = finder.find([image], [label])[0].faces
        if not faces:
            continue
        face = choose(faces, "largest", image.shape)
        x, y = np.reshape(face.landmarks5, (5, 2)).mean(0).round().astype(int).tolist()
        box = next((box for box in detect(image, 1) if box.contains(x, y)), None)
        if box is None:
            continue
        subjects.append(label["subject"])
        chips.append(dlib.get_face_chip(image, predict(image, box), 150, 0.25))
        for size, made in crops.items():
            target = load_template("expression", size)
            made.append(warp(image, estimate_similarity(face.landmarks5, target), size))
    return np.array(subjects), np.stack(chips), {k: np.stack(v) for k, v in crops.items()}


def tensor(images: np.ndarray) -> torch.Tensor:
    """Convert ``(B, H, W, 3) uint8`` to crops in [-1, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1


def embed(features: FaceFeatures, images: np.ndarray) -> np.ndarray:
    """Return embeddings, computed in batches."""
    starts = range(0, len(images), _BATCH)
    return np.concatenate([features.embed(tensor(images[k : k + _BATCH])).numpy() for k in starts])


def row(name: str, embeddings: np.ndarray, subjects: np.ndarray) -> None:
    """Print one row of the verification table."""
    distances = np.linalg.norm(embeddings[:, None] - embeddings[None], axis=-1)
    rows, columns = np.triu_indices(len(subjects), 1)
    same = subjects[rows] == subjects[columns]
    within, between = distances[rows, columns][same], np.sort(distances[rows, columns][~same])
    nearer = np.searchsorted(between, within) + np.searchsorted(between, within, side="right")
    auc = 1 - nearer.mean() / 2 / len(between)
    accepted = (within < np.quantile(between, 0.01)).mean()
    np.fill_diagonal(distances, np.inf)
    several = np.array([(subjects == subject).sum() > 1 for subject in subjects])
    rank = (subjects[distances.argmin(1)] == subjects)[several].mean()
    means = f"{within.mean():.3f} | {between.mean():.3f}"
    print(f"| {name} | {means} | {auc:.4f} | {accepted:.1%} | {rank:.1%} |")


def speed(name: str, work: Callable[[], object]) -> None:
    """Print one row of the speed table."""
    seconds = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    print(f"| {name} | {_BATCH / min(seconds):.0f} |")


if __name__ == "__main__":
    main()
