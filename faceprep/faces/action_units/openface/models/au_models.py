"""Load the AU models of OpenFace from the user's copy of its folder ``AU_predictors``.

The files are under the academic licence of OpenFace and not part of this package. Their layout is
that of OpenFace 2.0.6, ``FaceAnalyser::ReadAU``.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceprep.core.errors import MissingToolError
from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units.openface.models.linear_predictors import (
    DESCRIPTOR_SIZE,
    LinearPredictors,
    ModelFiles,
    name_inside,
    read_pairs,
    read_predictor,
)
from faceprep.faces.action_units.openface.models.matrices import (
    FLOAT64,
    HINT,
    INT32,
    damaged,
    read_text_matrices,
)
from faceprep.faces.action_units.openface.models.shape_model import (
    MODES,
    POINTS,
    PointDistributionModel,
)

TRIANGLES = 111

STATIC_LIST = "main_static_svms.txt"
DYNAMIC_LIST = "main_dynamic_svms.txt"

# Paths of `AU_predictors` in a checkout and in an installation of OpenFace.
_PLACES = (
    "",
    "AU_predictors",
    "lib/local/FaceAnalyser/AU_predictors",
    "build/bin/AU_predictors",
    "bin/AU_predictors",
    "etc/OpenFace/AU_predictors",
)


@dataclass(frozen=True)
class AUModels:
    """Hold all models for the AUs of OpenFace."""

    shape_model: PointDistributionModel  # shape model that is fitted to the 68 landmarks
    triangles: np.ndarray  # (111, 3) int64: landmark indices of the triangles that cover the face
    static: LinearPredictors  # predictors for a single photograph
    dynamic: LinearPredictors  # best predictors for a sequence, static or person-specific
    digest: str  # SHA-256 of all files that were read


_Stamps = list[tuple[Path, int, int]]
_LOADED: dict[Path, tuple[_Stamps, AUModels]] = {}


def find_predictors(folder: Path) -> Path:
    """Find ``AU_predictors``, given the folder itself, a checkout or an installation.

    Raises MissingToolError if it is in none of the usual places.
    """
    folder = folder.expanduser()
    for place in _PLACES:
        with suppress(OSError):
            if (folder / place / STATIC_LIST).is_file():
                return folder / place
    raise MissingToolError(f"no AU predictors of OpenFace in {folder} ({STATIC_LIST})", HINT)


def load_models(folder: Path) -> AUModels:
    """Load the models, once per process unless their files change.

    `folder` is ``AU_predictors``, or a checkout or installation of OpenFace.

    Raises
    ------
    MissingToolError
        If a file is missing, truncated or differs from OpenFace; the message names it.
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
    """Return modification times and sizes of files; an empty list if one is missing."""
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
    """Return the files that a main file names: AUPredictor, PDM and Triangulation."""
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
    # OpenFace stores them in single precision.
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
