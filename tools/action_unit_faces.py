"""Load faces with known Action Units, to calibrate and evaluate the landmark estimator.

The sources are photographs with results of OpenFace (``openface_photos.csv``), faces rendered with
random AUs, and the demo dataset.
"""

import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from faceprep.core.images import UnreadableImage, read_image
from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R, INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.dlib.detector import DlibHOG
from faceprep.faces.dlib.landmark_predictor import LandmarkPredictor
from faceprep.faces.finder import Detector
from faceprep.faces.mtcnn.detector import MTCNN

ROOT = Path(__file__).resolve().parents[1]

# At lower confidence OpenFace has lost the face.
_MIN_OPENFACE_CONFIDENCE = 0.7
_GROUP = 32
# A rendered AU counts as present from the level "trace" of FACS.
_PRESENT_FROM = 1.0

# Muscles that act against each other or hide each other.
_EXCLUSIVE = (
    ("AU05", "AU45"),
    ("AU05", "AU07"),
    ("AU12", "AU15"),
    ("AU12", "AU20"),
    ("AU17", "AU26"),
    ("AU20", "AU23"),
    ("AU23", "AU25"),
    ("AU23", "AU26"),
    ("AU28", "AU23"),
    ("AU28", "AU25"),
    ("AU28", "AU26"),
)


@dataclass(frozen=True, slots=True)
class Faces:
    """Hold *N* faces and their true Action Units.

    Attributes
    ----------
    subject
        ``(N,) str``.
    landmarks, neutral
        ``(N, 68, 2)`` pixels; ``neutral`` is NaN if the person has no neutral face.
    intensities, presences
        ``(N, 17)`` 0–5 and ``(N, 18) bool``.
    au28
        ``(N,)`` 0–5, if known; OpenFace does not estimate it.
    """

    subject: np.ndarray
    landmarks: np.ndarray
    neutral: np.ndarray
    intensities: np.ndarray
    presences: np.ndarray
    au28: np.ndarray | None = None

    def __getitem__(self, chosen: np.ndarray) -> "Faces":
        values = (getattr(self, name) for name in self.__slots__)
        return Faces(*(None if value is None else value[chosen] for value in values))

    def calibration_half(self) -> np.ndarray:
        """Return ``(N,) bool``: about half of the subjects, by a hash of the name.

        The half of a subject does not depend on the other faces.
        """
        return np.array([zlib.crc32(name.encode()) % 2 == 0 for name in self.subject])


def shared_folder() -> Path | None:
    """Return the folder of ``faces/`` and ``reference/``: ``SHARED_FACES`` or ../shared."""
    folder = Path(os.environ.get("SHARED_FACES", ROOT.parent / "shared"))
    return folder if (folder / "reference" / "openface_photos.csv").is_file() else None


@cache
def detectors() -> dict[str, Detector]:
    """Return the detectors of the package."""
    return {"mtcnn": MTCNN(), "dlib": DlibHOG()}


def find_points(images: Sequence[np.ndarray], detector: str) -> np.ndarray:
    """Find 68 points of the largest face of each image, ``(N, 68, 2)``; NaN without a face."""
    predictor = LandmarkPredictor()
    points = np.full((len(images), 68, 2), np.nan)
    for start in range(0, len(images), _GROUP):
        group = images[start : start + _GROUP]
        for index, faces in enumerate(detectors()[detector].detect(group), start):
            if faces:
                face = max(faces, key=lambda face: face.box[2] * face.box[3])
                points[index] = predictor.predict(images[index], face)
    return points


def photographs(shared: Path, most: int | None = None) -> dict[str, Faces]:
    """Read the photographs on which OpenFace and both detectors found a face.

    Returns
    -------
    Landmark source → faces, identical in order and truth (from OpenFace). ``mtcnn`` and ``dlib``:
    landmarks of the package with that detector; ``openface``: landmarks of OpenFace.
    """
    table = pd.read_csv(shared / "reference" / "openface_photos.csv")
    table = table[table["confidence"] > _MIN_OPENFACE_CONFIDENCE].set_index("image")
    labels = pd.read_csv(shared / "faces" / "labels.csv").set_index("image")
    names, images = [], []
    for name in table.index[:most]:
        try:
            images.append(read_image(shared / "faces" / "images" / name))
        except UnreadableImage:
            continue
        names.append(name)
    table, labels = table.loc[names], labels.loc[names]
    axes = [table[[f"{axis}_{k}" for k in range(68)]].to_numpy() for axis in "xy"]
    points = {source: find_points(images, source) for source in detectors()}
    points["openface"] = np.stack(axes, axis=-1)
    found = np.isfinite([p.sum(axis=(1, 2)) for p in points.values()]).all(axis=0)
    # Both detectors found the face of OpenFace.
    eyes = np.linalg.norm(points["openface"][:, 36] - points["openface"][:, 45], axis=1)
    for source in detectors():
        apart = np.linalg.norm((points[source] - points["openface"]).mean(axis=1), axis=1)
        found &= ~(apart > eyes / 2)
    truth = Faces(
        subject=labels["subject"].to_numpy(str),
        landmarks=points["openface"],
        neutral=np.full((len(names), 68, 2), np.nan),
        intensities=table[list(COLUMNS_R)].to_numpy(),
        presences=table[list(COLUMNS_C)].to_numpy() > 0.5,
    )[found]
    neutral = (labels["expression"].to_numpy() == "neutral")[found]
    return {
        source: replace(
            truth, landmarks=p[found], neutral=_neutral_of(p[found], truth.subject, neutral)
        )
        for source, p in points.items()
    }


def _neutral_of(points: np.ndarray, subject: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """Return the points of another, neutral photograph of the person; NaN without one."""
    result = np.full_like(points, np.nan)
    for index, name in enumerate(subject):
        others = np.flatnonzero((subject == name) & neutral)
        others = others[others != index]
        if others.size:
            result[index] = points[others[0]]
    return result


def rendered_faces(subjects: int, seed: int = 20) -> dict[str, Faces]:
    """Render faces with random AUs, each with a neutral face of the subject.

    Returns
    -------
    Landmark source → faces. ``drawn``: true points of the renderer; ``mtcnn``: landmarks of the
    package. The subjects differ from those of demo datasets.
    """
    from faceprep.demo.action_units import AU_NAMES

    recorded = [frame for k in range(subjects) for frame in _record(seed, k, AU_NAMES)]
    subject, levels, images, drawn = zip(*recorded, strict=True)
    levels_of = np.array(levels)
    graded = [AU_NAMES.index(name) for name in INTENSITY_AUS]
    named = [AU_NAMES.index(name) for name in PRESENCE_AUS]
    truth = Faces(
        np.array(subject),
        np.array(drawn, dtype=np.float64),
        np.full((len(subject), 68, 2), np.nan),
        levels_of[:, graded],
        levels_of[:, named] >= _PRESENT_FROM,
        levels_of[:, AU_NAMES.index("AU28")],
    )
    first = np.array([truth.subject.tolist().index(name) for name in truth.subject])
    moving = first != np.arange(len(first))
    views = {"drawn": truth.landmarks, "mtcnn": find_points(images, "mtcnn")}
    moving &= np.isfinite(views["mtcnn"] + views["mtcnn"][first]).all(axis=(1, 2))
    return {
        source: replace(truth, landmarks=points, neutral=points[first])[moving]
        for source, points in views.items()
    }


Recorded = tuple[str, np.ndarray, np.ndarray, np.ndarray]


def _record(seed: int, number: int, names: Sequence[str]) -> Iterator[Recorded]:
    """Yield a neutral face and six others of a subject: subject, levels, image, points."""
    from faceprep.demo import sequence
    from faceprep.demo.face import render_face

    rng = np.random.default_rng((seed, number, 9))
    person = sequence.sample_subject(seed, number, 0.5).identity
    light, camera = sequence.sample_light(rng, 0.5), sequence.sample_camera(rng, 0.5, False, person)
    backdrop = sequence.sample_backdrop(rng, True)
    pose = sequence.sample_pose(rng, 0.5, 320)
    for frame in range(7):
        levels = _random_levels(rng, names) if frame else np.zeros(len(names))
        yaw, pitch = rng.normal(0, 2, 2)
        turned = replace(pose, yaw=pose.yaw + yaw, pitch=pose.pitch + pitch)
        units = dict(zip(names, levels.tolist(), strict=True))
        image, points = render_face(
            person, units, turned, light, backdrop, camera, size=320, torso=pose, seed=frame
        )
        yield f"{seed}/{number:04d}", levels, image, points


def _random_levels(rng: np.random.Generator, names: Sequence[str]) -> np.ndarray:
    """Draw AU levels; each AU occurs in about one of five faces, in plausible combinations."""
    levels = np.where(rng.random(len(names)) < 0.25, rng.uniform(0, 5, len(names)), 0.0)
    for pair in _EXCLUSIVE:
        one, other = rng.permutation([names.index(au) for au in pair])
        if levels[other] > 0:
            levels[one] = 0.0
    # Lips parted by a dropped jaw are also scored as AU25.
    jaw, parted = levels[names.index("AU26")], names.index("AU25")
    levels[parted] = max(levels[parted], jaw)
    return levels


def demo_dataset(root: Path) -> dict[str, Faces]:
    """Read all frames of a demo dataset except the neutral ones.

    Returns
    -------
    Landmark source → faces, as in `rendered_faces`. The neutral face is frame 0 of the sequence.
    """
    table = pd.read_parquet(root / "faceprep_demo" / "truth.parquet")
    images = [read_image(root / path) for path in table["path"]]
    views = {
        "drawn": np.stack([np.reshape(p, (68, 2)) for p in table["landmarks68"]]).astype(float),
        "mtcnn": find_points(images, "mtcnn"),
    }
    first = table.groupby("sequence")["frame"].transform("idxmin").to_numpy()
    present = table[[f"{name}_r" for name in PRESENCE_AUS]].to_numpy() >= _PRESENT_FROM
    truth = Faces(
        table["subject"].to_numpy(str),
        views["drawn"],
        views["drawn"],
        table[list(COLUMNS_R)].to_numpy(),
        present,
    )
    moving = (first != np.arange(len(table))) & np.isfinite(
        views["mtcnn"] + views["mtcnn"][first]
    ).all(axis=(1, 2))
    return {
        source: replace(truth, landmarks=points, neutral=points[first])[moving]
        for source, points in views.items()
    }
