"""Read the files of OpenFace's folder ``AU_predictors``: lists of names and linear predictors.

Layout of a predictor: OpenFace 2.0.6, ``SVR_static_lin_regressors::Read`` and its three siblings.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from faceprep.faces.action_units.openface.models.matrices import (
    BinaryReader,
    damaged,
    read_model_file,
)

# Types of predictors: the first number of the file.
_STATIC_REGRESSOR, _DYNAMIC_REGRESSOR, _STATIC_CLASSIFIER, _DYNAMIC_CLASSIFIER = 0, 1, 4, 5
_REGRESSORS = (_STATIC_REGRESSOR, _DYNAMIC_REGRESSOR)
_CLASSIFIERS = (_STATIC_CLASSIFIER, _DYNAMIC_CLASSIFIER)


class ModelFiles:
    """Read the files of one folder once each, and keep them for the digest.

    Attributes
    ----------
    folder
        Folder of the files.
    """

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
    """Yield the two words of each line that is not empty.

    Raises
    ------
    MissingToolError
        If a line has one word or more than two.
    """
    for line in data.decode("utf-8", "replace").splitlines():
        words = line.split()
        if words and len(words) != 2:
            raise damaged(path, "lines of two words")
        if words:
            yield words[0], words[1]


def name_inside(name: str, path: Path) -> str:
    """Return the name of a file that a list names, relative to the folder.

    Raises
    ------
    MissingToolError
        If it is outside the folder.
    """
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

    Raises
    ------
    MissingToolError
        If the file is not a predictor, is truncated or too long.
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
