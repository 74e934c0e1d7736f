"""Build training examples from photographs with OpenFace's points and from generated images.

An example consists of the inputs of `faceprep.faces.action_units.openface.models.landmarks` for one
face, and the points of OpenFace.
"""

import hashlib
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from openface_training_faces import Photograph, composite, version

from faceprep.core.images import read_image
from faceprep.core.vocabulary import COLUMNS_R
from faceprep.faces.action_units.openface.models import landmarks as refinement
from faceprep.faces.alignment import apply_affine
from faceprep.faces.dlib.landmark_predictor import LandmarkPredictor
from faceprep.faces.finder import Detector

FOLDS = 5
_HELD_OUT = 2  # of five parts of the subjects
_MIN_CONFIDENCE = 0.5  # minimum confidence of OpenFace for source photographs
_CHUNK = 100  # images per run of the program
_LOW_RESOLUTION = 0.25  # share of the examples that are reduced in size
_LOW_EYES = (35.0, 100.0)  # pixels between their outer eye corners


class Reference:
    """Load the N photographs of ``openface_photos.csv`` and OpenFace's results."""

    def __init__(self, shared: Path) -> None:
        table = pd.read_csv(shared / "reference" / "openface_photos.csv")
        labels = pd.read_csv(shared / "faces" / "labels.csv").set_index("image")
        self.paths = [shared / "faces" / "images" / name for name in table["image"]]
        self.points = _points_of(table)
        self.intensities = table[list(COLUMNS_R)].to_numpy(float)
        self.confidence = table["confidence"].to_numpy(float)
        subjects = labels.loc[table["image"], "subject"]
        self.held_out = np.array([_part(name, 5) < _HELD_OUT for name in subjects])
        self.fold = np.array([_part("fold" + name, FOLDS) for name in subjects])

    def image(self, index: int) -> np.ndarray:
        """Read one photograph, RGB."""
        return read_image(self.paths[index])

    def starts(self, detector: Detector) -> np.ndarray:
        """Return dlib's points ``(N, 68, 2)``; NaN if OpenFace's face is not found."""
        return find_starts(self.image, self.points, detector)

    @cached_property
    def material(self) -> np.ndarray:
        """Source photographs of generated images: not held out, with sufficient confidence."""
        return np.flatnonzero(~self.held_out & (self.confidence > _MIN_CONFIDENCE))


@dataclass
class Examples:
    """Hold N training examples.

    Attributes
    ----------
    features : (N, 68, 128) float16
    shape : (N, 68, 2) float32
        dlib's points in the normalized face, in eye distances.
    moves : (N, 68, 2) float32
        Displacements to OpenFace's points.
    photograph : (N,) int
        Index of the source photograph in the reference.
    """

    features: np.ndarray
    shape: np.ndarray
    moves: np.ndarray
    photograph: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> "Examples":
        return Examples(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @staticmethod
    def joined(parts: Sequence["Examples"]) -> "Examples":
        """Concatenate examples."""
        columns = ([getattr(p, field.name) for p in parts] for field in fields(Examples))
        return Examples(*(np.concatenate(column) for column in columns))


def examples_of(
    image: Callable[[int], np.ndarray],
    starts: np.ndarray,
    truth: np.ndarray,
    photograph: np.ndarray,
    mean: np.ndarray,
    rng: np.random.Generator | None = None,
) -> Examples:
    """Build examples from detected faces; with `rng`, some of them in low resolution."""
    rows = []
    for k in np.flatnonzero(np.isfinite(starts).all(axis=(1, 2))):
        picture, start, target = image(k), starts[k], truth[k]
        if rng is not None and rng.random() < _LOW_RESOLUTION:
            wanted = rng.uniform(*_LOW_EYES) / np.linalg.norm(start[36] - start[45])
            picture, start, target = _shrunk(picture, wanted, start, target)
        face, matrix = refinement.normalize_face(picture, start, mean)
        here, there = apply_affine(matrix, start), apply_affine(matrix, target)
        shape = (here - refinement.SIDE / 2) / refinement.EYE_DISTANCE
        moves = (there - here) / refinement.EYE_DISTANCE
        rows.append((refinement.features(face, here), shape, moves, photograph[k]))
    kinds = (np.float16, np.float32, np.float32, np.int64)
    return Examples(*(np.array(c, k) for c, k in zip(zip(*rows, strict=True), kinds, strict=True)))


def generated(
    reference: Reference,
    kind: str,
    count: int,
    *,
    work: Path,
    openface: Path,
    detector: Detector,
    mean: np.ndarray,
    workers: int = 2,
) -> Examples:
    """Generate `count` versions or composites and their examples; `work` caches the files."""
    stored = work / f"{kind}.npz"
    if stored.is_file():
        with np.load(stored) as arrays:
            return Examples(**arrays)
    folder = work / kind
    folder.mkdir(parents=True, exist_ok=True)
    parts = [range(k, count, workers) for k in range(workers)]
    with ProcessPoolExecutor(workers) as pool:
        made = list(
            pool.map(_make, [reference] * workers, [kind] * workers, [folder] * workers, parts)
        )
        names = sorted(name for part in made for name in part)
        list(
            pool.map(
                _run_program,
                [openface] * workers,
                [folder] * workers,
                [names[k::workers] for k in range(workers)],
            )
        )
    origin = {name: number for part in made for name, number in part.items()}
    found = [name for name in names if _row(folder / f"{name}.csv") is not None]
    truth = np.concatenate([_points_of(_row(folder / f"{name}.csv")) for name in found])

    def image(k: int) -> np.ndarray:
        return read_image(folder / f"{found[k]}.jpg")

    examples = examples_of(
        image,
        find_starts(image, truth, detector),
        truth,
        np.array([origin[name] for name in found]),
        mean,
        np.random.default_rng(len(kind)),
    )
    np.savez(stored, **{field.name: getattr(examples, field.name) for field in fields(examples)})
    return examples


def find_starts(
    image: Callable[[int], np.ndarray], truth: np.ndarray, detector: Detector
) -> np.ndarray:
    """Return dlib's points of the detected face that overlaps OpenFace's; NaN without one."""
    predictor = LandmarkPredictor()
    starts = np.full(truth.shape, np.nan)
    for first in range(0, len(truth), 32):
        group = range(first, min(first + 32, len(truth)))
        images = [image(k) for k in group]
        for k, picture, faces in zip(group, images, detector.detect(images), strict=True):
            overlaps = [_overlap(face.box, truth[k]) for face in faces]
            if overlaps and max(overlaps) > 0.2:
                starts[k] = predictor.predict(picture, faces[int(np.argmax(overlaps))])
    return starts


def _part(name: str, parts: int) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % parts


def _points_of(table: pd.DataFrame) -> np.ndarray:
    return np.stack([table[[f"{a}_{k}" for k in range(68)]].to_numpy(float) for a in "xy"], axis=-1)


def _shrunk(picture: np.ndarray, scale: float, *points: np.ndarray) -> tuple[np.ndarray, ...]:
    if scale >= 1:
        return picture, *points
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ratio = np.array(small.shape[1::-1]) / picture.shape[1::-1]
    return small, *((p + 0.5) * ratio - 0.5 for p in points)


def _make(reference: Reference, kind: str, folder: Path, numbers: range) -> dict[str, int]:
    """Write images, each seeded by its number; return name → source photograph."""
    cv2.setNumThreads(1)
    origin = {}
    for number in numbers:
        rng = np.random.default_rng([number, len(kind)])
        first = int(rng.choice(reference.material))
        photograph = Photograph(reference.image(first), reference.points[first])
        if kind == "composites":
            same = reference.material[reference.fold[reference.material] == reference.fold[first]]
            second = int(rng.choice(same))
            other = Photograph(reference.image(second), reference.points[second])
            image = composite(photograph, other, rng)
        else:
            image = version(photograph, rng)
        name = f"{number:06d}"
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(65, 97))]
        cv2.imwrite(str(folder / f"{name}.jpg"), image[..., ::-1], quality)
        origin[name] = first
    return origin


def _run_program(openface: Path, folder: Path, names: Sequence[str]) -> None:
    """Run ``FaceLandmarkImg`` on images; retry those on which it crashes individually."""
    for first in range(0, len(names), _CHUNK):
        missing = [n for n in names[first : first + _CHUNK] if not _done(folder, n)]
        if missing and not _call(openface, folder, missing):
            for name in missing:
                if not _done(folder, name):
                    _call(openface, folder, [name])


def _call(openface: Path, folder: Path, names: Sequence[str]) -> bool:
    """Run the program once; return whether it succeeded."""
    pictures = [part for n in names for part in ("-f", str((folder / f"{n}.jpg").resolve()))]
    done = subprocess.run(
        ["./FaceLandmarkImg", "-mloc", "model/main_clnf_general.txt", *pictures]
        + ["-out_dir", str(folder.resolve()), "-2Dfp"],
        cwd=openface, capture_output=True, check=False,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    return done.returncode == 0


def _done(folder: Path, name: str) -> bool:
    return (folder / f"{name}.csv").is_file()


def _row(path: Path) -> pd.DataFrame | None:
    """Return the widest face of a CSV file as a table with one row."""
    if not path.is_file():
        return None
    table = pd.read_csv(path, skipinitialspace=True)
    if table.empty:
        return None
    widths = np.ptp(_points_of(table)[..., 0], axis=1)
    return table.iloc[[int(np.argmax(widths))]]


def _overlap(box: tuple[float, float, float, float], points: np.ndarray) -> float:
    """Return the intersection over union of a box and the bounding box of points."""
    x, y, width, height = box
    low, high = points.min(axis=0), points.max(axis=0)
    sides = np.minimum(high, (x + width, y + height)) - np.maximum(low, (x, y))
    if (sides <= 0).any():
        return 0.0
    shared = float(sides.prod())
    return shared / (width * height + float((high - low).prod()) - shared)
