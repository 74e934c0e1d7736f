"""Write a folder ``AU_predictors`` with random weights in the layout of OpenFace."""

import struct
from pathlib import Path

import numpy as np
from matplotlib.tri import Triangulation

from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units.face_shape import mean_face
from faceprep.faces.action_units.openface.models.au_models import TRIANGLES
from faceprep.faces.action_units.openface.models.linear_predictors import DESCRIPTOR_SIZE, HOG_SIZE
from faceprep.faces.action_units.openface.models.shape_model import MODES, PointDistributionModel

#: AUs with dynamic regressors in the list of OpenFace, and their cutoffs.
CUTOFFS = {
    **{"AU01": 0.55, "AU02": 0.75, "AU05": 0.80, "AU09": 0.70, "AU15": 0.55, "AU17": 0.20},
    **{"AU20": 0.65, "AU23": 0.65, "AU25": 0.30, "AU26": 0.30, "AU45": 0.60},
}
DYNAMIC_CLASSIFIERS = frozenset(
    ("AU01", "AU02", "AU09", "AU15", "AU17", "AU20", "AU25", "AU26", "AU28", "AU45")
)
#: AUs whose classifiers output presence for scores above zero; the others output absence.
POSITIVE = frozenset(("AU10", "AU12", "AU25"))

PDM = "In-the-wild_aligned_PDM_68.txt"
TRIANGULATION = "tris_68_full.txt"


def write_predictors(folder: Path, seed: int = 0) -> Path:
    """Write a complete folder; most intensities of faces are between 0 and 5."""
    rng = np.random.default_rng(seed)
    for name in ("svr_combined", "svm_combined"):
        (folder / name).mkdir(parents=True)
    means = np.concatenate([rng.uniform(0, 0.3, HOG_SIZE), np.zeros(DESCRIPTOR_SIZE - HOG_SIZE)])
    static, best = [], []
    for au in PRESENCE_AUS:
        classes = (1.0, 0.0) if au in POSITIVE else (0.0, 1.0)
        for dynamic in (False, True):
            name = f"svm_combined/{au}_{'dynamic' if dynamic else 'static'}.dat"
            data = classifier(means, _weights(rng), rng.normal(), classes, dynamic=dynamic)
            (folder / name).write_bytes(data)
            if not dynamic:
                static.append(f"{name} {au}")
            if dynamic == (au in DYNAMIC_CLASSIFIERS):
                best.append(f"{name} {au}")
    for au in INTENSITY_AUS:
        for cutoff in dict.fromkeys((None, CUTOFFS.get(au))):
            name = f"svr_combined/{au}_{'static' if cutoff is None else 'dynamic'}_intensity.dat"
            (folder / name).write_bytes(regressor(means, _weights(rng), 2 + rng.normal(), cutoff))
            if cutoff is None:
                static.append(f"{name} {au}")
            if cutoff == CUTOFFS.get(au):
                best.append(f"{name} {au}")
    for kind, lists, lines in (("static", "static", static), ("dynamic", "best", best)):
        # The files of OpenFace have Windows line endings and no final newline.
        (folder / f"AU_all_{lists}.txt").write_bytes("\r\n".join(lines).encode())
        keys = f"AUPredictor AU_all_{lists}.txt\r\nPDM {PDM}\r\nTriangulation {TRIANGULATION}"
        (folder / f"main_{kind}_svms.txt").write_bytes(keys.encode())
    _write_shape_model(folder / PDM, make_shape_model(seed))
    _write_triangles(folder / TRIANGULATION)
    return folder


def regressor(
    means: np.ndarray, weights: np.ndarray, bias: float, cutoff: float | None = None
) -> bytes:
    """Return the bytes of a regressor file; with a cutoff it is dynamic."""
    start = struct.pack("<i", 0) if cutoff is None else struct.pack("<id", 1, cutoff)
    return start + _binary(means[None]) + _binary(weights[:, None]) + struct.pack("<d", bias)


def classifier(
    means: np.ndarray,
    weights: np.ndarray,
    bias: float,
    classes: tuple[float, float],
    *,
    dynamic: bool,
) -> bytes:
    """Return the bytes of a classifier file; `classes` are its outputs above zero and otherwise."""
    start = struct.pack("<i", 5 if dynamic else 4)
    end = struct.pack("<ddd", bias, *classes)
    return start + _binary(means[None]) + _binary(weights[:, None]) + end


def make_shape_model(seed: int = 0) -> PointDistributionModel:
    """Create a mean face and 34 random modes without translation, rotation and scale."""
    rng = np.random.default_rng(seed)
    mean = mean_face() * [62.0, 62.0, -62.0]
    mean = (mean - mean.mean(axis=0)).T
    rigid = [mean.ravel(), *(np.repeat(axis, 68) for axis in np.eye(3))]
    rigid += [np.cross(mean.T, axis).T.ravel() for axis in np.eye(3)]
    random = rng.normal(size=(204, MODES))
    basis, _ = np.linalg.qr(np.column_stack([*rigid, random]))
    modes = basis[:, len(rigid) :]
    eigenvalues = np.geomspace(826.2, 0.58, MODES)
    single = (values.astype(np.float32).astype(float) for values in (mean.ravel(), modes))
    return PointDistributionModel(*single, eigenvalues.astype(np.float32).astype(float))


def _weights(rng: np.random.Generator) -> np.ndarray:
    weights = rng.normal(0, 0.1, DESCRIPTOR_SIZE)
    weights[HOG_SIZE:] *= 0.05
    return weights


def _binary(matrix: np.ndarray) -> bytes:
    return struct.pack("<iii", *matrix.shape, 6) + matrix.astype("<f8").tobytes()


def _text(matrix: np.ndarray, code: int) -> str:
    rows = [" ".join(repr(value) for value in row) for row in matrix.tolist()]
    return "\n".join([str(matrix.shape[0]), str(matrix.shape[1]), str(code), *rows]) + "\n"


def _write_shape_model(path: Path, model: PointDistributionModel) -> None:
    matrices = (model.mean[:, None], model.modes, model.eigenvalues[None])
    names = ("The mean values", "The principal components", "The eigenvalues")
    parts = [f"# {name}\n{_text(m, 6)}" for name, m in zip(names, matrices, strict=True)]
    path.write_text("".join(parts))


def _write_triangles(path: Path) -> None:
    """Write 111 triangles that cover the mean face, some of them twice."""
    x, y = mean_face()[:, :2].T
    triangles = Triangulation(x, y).triangles
    path.write_text(_text(np.resize(triangles, (TRIANGLES, 3)), 4))
