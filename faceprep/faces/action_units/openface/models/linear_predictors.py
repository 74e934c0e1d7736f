"""Read the linear predictors of OpenFace from its files, and apply them to descriptors of faces.

Layout of a file: OpenFace 2.0.6, ``SVR_static_lin_regressors::Read`` and its three siblings.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.faces.action_units.openface.models.matrices import (
    BinaryReader,
    damaged,
    read_model_file,
)
from faceprep.faces.action_units.openface.models.shape_model import MODES, POINTS

HOG_SIZE = 4464
GEOMETRY_SIZE = 3 * POINTS + MODES
DESCRIPTOR_SIZE = HOG_SIZE + GEOMETRY_SIZE


@dataclass(frozen=True)
class LinearPredictors:
    """Hold the 35 predictors of one list: 17 regressors, then 18 classifiers."""

    # (35, 4702) float64: rows in the order of `INTENSITY_AUS`, then of `PRESENCE_AUS`; columns are
    # the HOG (4464) and the geometry (238)
    weights: np.ndarray
    # (35, 4702) float64: means that are subtracted from the descriptor; equal in all files of
    # OpenFace
    means: np.ndarray
    biases: np.ndarray  # (35,) float64
    # (35,) bool: whether the person's median is subtracted as well (dynamic predictors)
    person_specific: np.ndarray
    # (17,) float64: quantile of a person's intensities that counts as zero; NaN for static
    # regressors.
    cutoffs: np.ndarray
    # outputs of a classifier for scores above zero and for other scores
    positive: np.ndarray
    negative: np.ndarray  # (18,) bool

    def scores(
        self, hog: np.ndarray, geometry: np.ndarray, median: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the scores ``(N, 35) float64`` of all predictors, without clipping or thresholds.

        Regressors are in the order of `INTENSITY_AUS`, then classifiers in the order of
        `PRESENCE_AUS`. `hog` is ``(N, 4464)``, `geometry` ``(N, 238)``, and `median` the median
        descriptor of the person, ``(4702,)``, or one for each face; static predictors ignore it.
        """
        scores = self._products(np.asarray(hog), np.asarray(geometry)) + self._offsets
        if median is not None:
            rows = np.atleast_2d(median)
            products = self._products(rows[:, :HOG_SIZE], rows[:, HOG_SIZE:])
            scores -= np.where(self.person_specific, products, 0.0)
        return scores

    def intensities(self, scores: np.ndarray) -> np.ndarray:
        """Convert scores to intensities, ``(N, 17)``, 0–5, in the order of `INTENSITY_AUS`."""
        return np.clip(scores[:, : len(INTENSITY_AUS)], 0.0, 5.0)

    def presences(self, scores: np.ndarray) -> np.ndarray:
        """Convert scores to presences, ``(N, 18) bool``, in the order of `PRESENCE_AUS`."""
        return np.where(scores[:, len(INTENSITY_AUS) :] > 0, self.positive, self.negative)

    @cached_property
    def _offsets(self) -> np.ndarray:
        """Constant terms: (v - means) · w + bias = v · w + offset."""
        offsets: np.ndarray = self.biases - (self.means * self.weights).sum(axis=1)
        return offsets

    @cached_property
    def _columns(self) -> np.ndarray:
        return np.ascontiguousarray(self.weights.T)

    def _products(self, hog: np.ndarray, geometry: np.ndarray) -> np.ndarray:
        of_hog: np.ndarray = hog.astype(np.float64) @ self._columns[:HOG_SIZE]
        return of_hog + geometry.astype(np.float64) @ self._columns[HOG_SIZE:]


# Types of predictors: the first number of the file.
_STATIC_REGRESSOR, _DYNAMIC_REGRESSOR, _STATIC_CLASSIFIER, _DYNAMIC_CLASSIFIER = 0, 1, 4, 5
_REGRESSORS = (_STATIC_REGRESSOR, _DYNAMIC_REGRESSOR)
_CLASSIFIERS = (_STATIC_CLASSIFIER, _DYNAMIC_CLASSIFIER)


class ModelFiles:
    """Read the files of one folder once each, and keep them for the digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._contents: dict[str, bytes] = {}

    def read(self, name: str) -> bytes:
        """Read a file by its name relative to the folder."""
        if name not in self._contents:
            self._contents[name] = read_model_file(self.folder / name)
        return self._contents[name]

    def paths(self) -> list[Path]:
        """Return the files that were read."""
        return [self.folder / name for name in self._contents]

    def digest(self) -> str:
        """Return the SHA-256 of the names and contents of the files, in order of their names."""
        total = hashlib.sha256()
        for name, data in sorted(self._contents.items()):
            total.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
        return total.hexdigest()


def read_pairs(data: bytes, path: Path) -> Iterator[tuple[str, str]]:
    """Yield the two words of each line that is not empty; other lines are an error."""
    for line in data.decode("utf-8", "replace").splitlines():
        words = line.split()
        if words and len(words) != 2:
            raise damaged(path, "lines of two words")
        if words:
            yield words[0], words[1]


def name_inside(name: str, path: Path) -> str:
    """Return the name, relative to the folder, of a file that a list names; none is outside."""
    relative = PurePosixPath(name.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts or "\0" in name or ":" in name:
        raise damaged(path, "names of files inside the folder")
    return str(relative)


@dataclass(frozen=True, slots=True)
class Predictor:
    """Hold one predictor: score = (descriptor - means) · weights + bias."""

    classifies: bool  # whether it is a classifier; otherwise a regressor
    dynamic: bool  # whether the person's median is subtracted from the descriptor as well
    # ``(size,) float64``
    means: np.ndarray
    weights: np.ndarray
    bias: float
    # quantile of a person's values that counts as zero; NaN unless a dynamic regressor.
    cutoff: float
    # outputs of a classifier for scores above zero and for other scores
    positive: bool
    negative: bool


def read_predictor(data: bytes, path: Path, size: int) -> Predictor:
    """Read a predictor of descriptors with `size` elements.

    Raises MissingToolError if the file is not a predictor, is truncated or too long.
    """
    reader = BinaryReader(data, path)
    kind = reader.number("i")
    if kind not in _REGRESSORS + _CLASSIFIERS:
        raise reader.damaged("a linear predictor of type 0, 1, 4 or 5")
    cutoff = reader.number("d") if kind == _DYNAMIC_REGRESSOR else np.nan
    means = reader.matrix(1, size)[0]
    weights = reader.matrix(size, 1)[:, 0]
    bias = reader.number("d")
    classes = (reader.number("d"), reader.number("d")) if kind in _CLASSIFIERS else (0.0, 0.0)
    reader.end()
    if not np.isfinite(bias) or any(value not in (0.0, 1.0) for value in classes):
        raise reader.damaged("a finite bias and classes 0 and 1")
    if kind == _DYNAMIC_REGRESSOR and not 0 <= cutoff < 1:
        raise reader.damaged("a cutoff from 0 to 1")
    return Predictor(
        classifies=kind in _CLASSIFIERS,
        dynamic=kind in (_DYNAMIC_REGRESSOR, _DYNAMIC_CLASSIFIER),
        means=means,
        weights=weights,
        bias=bias,
        cutoff=cutoff,
        positive=bool(classes[0]),
        negative=bool(classes[1]),
    )
