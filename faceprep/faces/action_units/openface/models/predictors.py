"""OpenFace's AU predictors, read from the user's own copy of its folder ``AU_predictors``.

The files are under OpenFace's academic licence. They are read where they lie; none is part of this
package. Layouts: OpenFace 2.0.6, ``FaceAnalyser::ReadAU``.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from faceprep.core.action_units import INTENSITY_AUS, PRESENCE_AUS
from faceprep.core.errors import MissingToolError
from faceprep.faces.action_units.openface.models.matrices import (
    FLOAT64,
    HINT,
    INT32,
    damaged,
    read_text_matrices,
)
from faceprep.faces.action_units.openface.models.predictor_files import (
    ModelFiles,
    name_inside,
    read_pairs,
    read_predictor,
)
from faceprep.faces.action_units.openface.models.shape_fit import (
    MODES,
    POINTS,
    PointDistributionModel,
)

HOG_SIZE = 4464
GEOMETRY_SIZE = 3 * POINTS + MODES
DESCRIPTOR_SIZE = HOG_SIZE + GEOMETRY_SIZE
TRIANGLES = 111

STATIC_LIST = "main_static_svms.txt"
DYNAMIC_LIST = "main_dynamic_svms.txt"

# Where `AU_predictors` lies in a checkout and in an installation of OpenFace.
_PLACES = (
    "",
    "AU_predictors",
    "lib/local/FaceAnalyser/AU_predictors",
    "build/bin/AU_predictors",
    "bin/AU_predictors",
    "etc/OpenFace/AU_predictors",
)


@dataclass(frozen=True)
class LinearPredictors:
    """All 35 predictors of one list: 17 regressors, then 18 classifiers.

    Attributes
    ----------
    weights : (35, 4702) float64
        Rows in the order of `INTENSITY_AUS`, then of `PRESENCE_AUS`; columns are the HOG (4464)
        and the geometry (238).
    means : (35, 4702) float64
        Subtracted from the descriptor. OpenFace ships the same means in every file.
    biases : (35,) float64
    person_specific : (35,) bool
        Dynamic predictors: the person's median is subtracted from the descriptor too.
    cutoffs : (17,) float64
        Which quantile of a person's intensities counts as zero; NaN for static regressors.
    positive, negative : (18,) bool
        What a classifier says where its score is above zero, and elsewhere.
    """

    weights: np.ndarray
    means: np.ndarray
    biases: np.ndarray
    person_specific: np.ndarray
    cutoffs: np.ndarray
    positive: np.ndarray
    negative: np.ndarray

    def scores(
        self, hog: np.ndarray, geometry: np.ndarray, median: np.ndarray | None = None
    ) -> np.ndarray:
        """Score descriptors with all predictors, neither clipped nor thresholded.

        Parameters
        ----------
        hog : (N, 4464)
        geometry : (N, 238)
        median : (4702,) or (N, 4702), optional
            The person's median descriptor, or one for each face; static predictors ignore it.

        Returns
        -------
        ``(N, 35) float64``: regressors in the order of `INTENSITY_AUS`, then classifiers in the
        order of `PRESENCE_AUS`.
        """
        scores = self._products(np.asarray(hog), np.asarray(geometry)) + self._offsets
        if median is not None:
            rows = np.atleast_2d(median)
            products = self._products(rows[:, :HOG_SIZE], rows[:, HOG_SIZE:])
            scores -= np.where(self.person_specific, products, 0.0)
        return scores

    def intensities(self, scores: np.ndarray) -> np.ndarray:
        """Intensities of `scores`, ``(N, 17) float64`` in the order of `INTENSITY_AUS`, 0–5."""
        return np.clip(scores[:, : len(INTENSITY_AUS)], 0.0, 5.0)

    def presences(self, scores: np.ndarray) -> np.ndarray:
        """Presences of `scores`, ``(N, 18) bool`` in the order of `PRESENCE_AUS`."""
        return np.where(scores[:, len(INTENSITY_AUS) :] > 0, self.positive, self.negative)

    @cached_property
    def _offsets(self) -> np.ndarray:
        """(v - means) . w + bias is v . w + offset, so one product serves all predictors."""
        offsets: np.ndarray = self.biases - (self.means * self.weights).sum(axis=1)
        return offsets

    @cached_property
    def _columns(self) -> np.ndarray:
        return np.ascontiguousarray(self.weights.T)

    def _products(self, hog: np.ndarray, geometry: np.ndarray) -> np.ndarray:
        of_hog: np.ndarray = hog.astype(np.float64) @ self._columns[:HOG_SIZE]
        return of_hog + geometry.astype(np.float64) @ self._columns[HOG_SIZE:]


@dataclass(frozen=True)
class AUModels:
    """All that OpenFace's AU step reads.

    Attributes
    ----------
    shape_model
        Fitted to the 68 landmarks.
    triangles : (111, 3) int64
        Landmarks whose triangles cover the face.
    static
        Predictors for a photograph alone.
    dynamic
        The best predictors for a sequence, static or person-specific.
    digest
        SHA-256 of all files that were read.
    """

    shape_model: PointDistributionModel
    triangles: np.ndarray
    static: LinearPredictors
    dynamic: LinearPredictors
    digest: str


_Stamps = list[tuple[Path, int, int]]
_LOADED: dict[Path, tuple[_Stamps, AUModels]] = {}


def find_predictors(folder: Path) -> Path:
    """Find ``AU_predictors`` in itself, in OpenFace's checkout or in its installation.

    Raises
    ------
    MissingToolError
        It is in none of the usual places.
    """
    folder = folder.expanduser()
    for place in _PLACES:
        with suppress(OSError):
            if (folder / place / STATIC_LIST).is_file():
                return folder / place
    raise MissingToolError(f"no AU predictors of OpenFace in {folder} ({STATIC_LIST})", HINT)


def load_models(folder: Path) -> AUModels:
    """Read the models, once per process while their files stay as they are.

    Parameters
    ----------
    folder
        OpenFace's ``AU_predictors``, or a checkout or installation that holds it.

    Raises
    ------
    MissingToolError
        A file is missing, cut short or not what OpenFace ships; the message names it.
    """
    place = find_predictors(folder).resolve()
    if place in _LOADED:
        stamps, models = _LOADED[place]
        if stamps == _stamps([path for path, _, _ in stamps]):
            return models
    files = ModelFiles(place)
    models = _read_models(files)
    _LOADED[place] = _stamps(files.paths()), models
    return models


def _stamps(paths: list[Path]) -> _Stamps:
    """When files were changed and how long they are; nothing where one of them is gone."""
    try:
        states = [path.stat() for path in paths]
    except OSError:
        return []
    return [(p, s.st_mtime_ns, s.st_size) for p, s in zip(paths, states, strict=True)]


def _read_models(files: ModelFiles) -> AUModels:
    static, dynamic = _read_keys(files, STATIC_LIST), _read_keys(files, DYNAMIC_LIST)
    for key in ("PDM", "Triangulation"):
        if static[key] != dynamic[key]:
            raise damaged(files.folder / DYNAMIC_LIST, f"the {key} of {STATIC_LIST}")
    return AUModels(
        shape_model=_read_shape_model(files, static["PDM"]),
        triangles=_read_triangles(files, static["Triangulation"]),
        static=_read_predictors(files, static["AUPredictor"]),
        dynamic=_read_predictors(files, dynamic["AUPredictor"]),
        digest=files.digest(),
    )


def _read_keys(files: ModelFiles, name: str) -> dict[str, str]:
    """The files that a main file names: AUPredictor, PDM and Triangulation."""
    path = files.folder / name
    keys = dict(read_pairs(files.read(name), path))
    for key in ("AUPredictor", "PDM", "Triangulation"):
        if key not in keys:
            raise damaged(path, f"a line with {key}")
        keys[key] = name_inside(keys[key], path)
    return keys


def _read_shape_model(files: ModelFiles, name: str) -> PointDistributionModel:
    coordinates = 3 * POINTS
    path = files.folder / name
    shapes = [(coordinates, 1, FLOAT64), (coordinates, MODES, FLOAT64), (1, MODES, FLOAT64)]
    matrices = read_text_matrices(files.read(name), path, shapes)
    # OpenFace keeps them in single precision.
    with np.errstate(over="ignore"):
        mean, modes, eigenvalues = (m.astype(np.float32).astype(np.float64) for m in matrices)
    if not (eigenvalues > 0).all() or not np.isfinite([mean.sum(), modes.sum()]).all():
        raise damaged(path, "numbers in single precision, eigenvalues above zero")
    return PointDistributionModel(mean[:, 0], modes, eigenvalues[0])


def _read_triangles(files: ModelFiles, name: str) -> np.ndarray:
    path = files.folder / name
    (triangles,) = read_text_matrices(files.read(name), path, [(TRIANGLES, 3, INT32)])
    if triangles.min() < 0 or triangles.max() >= POINTS:
        raise damaged(path, f"landmarks 0 to {POINTS - 1}")
    return triangles


def _read_predictors(files: ModelFiles, name: str) -> LinearPredictors:
    """Read all predictors that a list names."""
    path = files.folder / name
    wanted = [(False, au) for au in INTENSITY_AUS] + [(True, au) for au in PRESENCE_AUS]
    pairs = list(read_pairs(files.read(name), path))
    if len(pairs) != len(wanted):
        raise damaged(path, f"{len(wanted)} predictors")
    found = {}
    for file, au in pairs:
        relative = name_inside(file, path)
        one = read_predictor(files.read(relative), files.folder / relative, DESCRIPTOR_SIZE)
        found[one.classifies, au] = one
    for classifies, au in wanted:
        if (classifies, au) not in found:
            raise damaged(path, f"a {'classifier' if classifies else 'regressor'} of {au}")
    rows = [found[key] for key in wanted]
    regressors, classifiers = rows[: len(INTENSITY_AUS)], rows[len(INTENSITY_AUS) :]
    return LinearPredictors(
        weights=np.stack([row.weights for row in rows]),
        means=np.stack([row.means for row in rows]),
        biases=np.array([row.bias for row in rows]),
        person_specific=np.array([row.dynamic for row in rows]),
        cutoffs=np.array([row.cutoff for row in regressors]),
        positive=np.array([row.positive for row in classifiers]),
        negative=np.array([row.negative for row in classifiers]),
    )
