"""OpenFace's 3-D shape model, fitted to 68 landmarks: where the head is, and how the face is bent.

Regularised Gauss-Newton on a weak-perspective camera, for all faces at once. Saragih, Lucey and
Cohn, "Deformable Model Fitting by Regularized Landmark Mean-Shift", IJCV 2011; starting point,
damping and the rule for stopping are those of OpenFace 2.0.6 (``PDM::CalcParams``).

OpenFace computes in single precision and keeps the rotation as three angles; double precision and a
rotation matrix give the same shape (AU intensities differ by less than 0.001).
"""

from dataclasses import dataclass

import numpy as np

POINTS = 68
MODES = 34

_POSE = 6
_DAMPING = 0.75
_ENOUGH = 0.999
"""An error above this share of the one before is no improvement."""
_PATIENCE = 3
_MAX_ITERATIONS = 1000


@dataclass(frozen=True)
class PointDistributionModel:
    """The mean shape of 68 points in millimetres, and how shapes vary.

    Attributes
    ----------
    mean : (204,) float64
        x of all points, y, z; y down, the centroid in the origin.
    modes : (204, 34) float64
        Orthonormal columns.
    eigenvalues : (34,) float64
        Variance along each mode.
    """

    mean: np.ndarray
    modes: np.ndarray
    eigenvalues: np.ndarray

    def shape(self, parameters: np.ndarray) -> np.ndarray:
        """Points of the shapes with parameters ``(N, 34)``: ``(N, 3, 68)``, millimetres."""
        return (self.mean + parameters @ self.modes.T).reshape(-1, 3, POINTS)


@dataclass(frozen=True)
class ShapeFit:
    """Poses and shapes of N faces: landmark = scale * (rotation @ shape)[:2] + translation.

    Attributes
    ----------
    scale : (N,) float64
        Pixels per millimetre.
    angles : (N, 3) float64
        Radians about x, y and z; rotation = Rx Ry Rz.
    translation : (N, 2) float64
        Pixels.
    parameters : (N, 34) float64
        Of the shape.
    fitted : (N,) bool
        False where the landmarks allow no fit (NaN, all in one place); the rest is NaN there.
    """

    scale: np.ndarray
    angles: np.ndarray
    translation: np.ndarray
    parameters: np.ndarray
    fitted: np.ndarray


def fit_shapes(model: PointDistributionModel, landmarks: np.ndarray) -> ShapeFit:
    """Fit the model to the landmarks of N faces.

    Parameters
    ----------
    model
        The shape model.
    landmarks : (N, 68, 2)
        Pixels. A point whose x is exactly 0 counts as invisible, as in OpenFace.
    """
    landmarks = np.asarray(landmarks, dtype=np.float64).transpose(0, 2, 1)
    count = len(landmarks)
    state = _State(
        rotation=np.full((count, 3, 3), np.nan),
        scale=np.full(count, np.nan),
        translation=np.full((count, 2), np.nan),
        parameters=np.full((count, MODES), np.nan),
    )
    visible = landmarks[:, 0] != 0
    with np.errstate(all="ignore"):
        extent = _extent(landmarks, visible)
    usable = np.isfinite(landmarks).all(axis=(1, 2)) & (extent[1] - extent[0] > 0).any(axis=1)
    active = np.flatnonzero(usable)
    if len(active):
        state.put(active, _fit(model, landmarks[active], visible[active]))
    with np.errstate(all="ignore"):
        fitted = np.isfinite(state.parameters).all(axis=1) & (state.scale > 0)
        angles = _euler(state.rotation)
    return ShapeFit(state.scale, angles, state.translation, state.parameters, fitted)


@dataclass
class _State:
    """What the iterations move: rotation (N, 3, 3) in place of angles, and the rest."""

    rotation: np.ndarray
    scale: np.ndarray
    translation: np.ndarray
    parameters: np.ndarray

    def take(self, rows: np.ndarray) -> "_State":
        return _State(
            self.rotation[rows], self.scale[rows], self.translation[rows], self.parameters[rows]
        )

    def put(self, rows: np.ndarray, other: "_State") -> None:
        self.rotation[rows] = other.rotation
        self.scale[rows] = other.scale
        self.translation[rows] = other.translation
        self.parameters[rows] = other.parameters

    def project(self, turned: np.ndarray) -> np.ndarray:
        """Landmarks ``(N, 2, 68)`` of shapes already turned, of which x and y are taken."""
        return self.scale[:, None, None] * turned + self.translation[..., None]


def _fit(model: PointDistributionModel, landmarks: np.ndarray, visible: np.ndarray) -> _State:
    """Iterate until no face improves; faces that have stopped are left alone."""
    result = _start(model, landmarks, visible)
    rows = np.arange(len(landmarks))
    state = result.take(rows)
    previous = _error(landmarks, state.project(_turn(state, model)), visible)
    stalled = np.zeros(len(rows), dtype=int)
    for _ in range(_MAX_ITERATIONS):
        shape = model.shape(state.parameters)
        step = _step(model, state, shape, landmarks, visible)
        _move(state, step)
        # The new pose with the shape of before, as OpenFace measures it.
        error = _error(landmarks, state.project(state.rotation[:, :2] @ shape), visible)
        stalled += ~(_ENOUGH * previous >= error)
        previous = error
        stopped = stalled == _PATIENCE
        if stopped.any():
            result.put(rows[stopped], state.take(stopped))
            going = ~stopped
            rows, state = rows[going], state.take(going)
            landmarks, visible = landmarks[going], visible[going]
            previous, stalled = previous[going], stalled[going]
        if not len(rows):
            return result
    result.put(rows, state)
    return result


def _start(model: PointDistributionModel, landmarks: np.ndarray, visible: np.ndarray) -> _State:
    """The mean shape, unturned, in the box of the landmarks."""
    count = len(landmarks)
    low, high = _extent(landmarks, visible)
    mean = np.broadcast_to(model.mean.reshape(3, POINTS)[:2], (count, 2, POINTS))
    mean_low, mean_high = _extent(mean, visible)
    return _State(
        rotation=np.tile(np.eye(3), (count, 1, 1)),
        scale=((high - low) / (mean_high - mean_low)).mean(axis=1),
        translation=(low + high) / 2,
        parameters=np.zeros((count, MODES)),
    )


def _extent(points: np.ndarray, visible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners ``(N, 2)`` of the boxes of visible points ``(N, 2, 68)``."""
    hidden = ~visible[:, None]
    low = np.where(hidden, np.inf, points).min(axis=2)
    high = np.where(hidden, -np.inf, points).max(axis=2)
    return low, high


def _turn(state: _State, model: PointDistributionModel) -> np.ndarray:
    turned: np.ndarray = state.rotation[:, :2] @ model.shape(state.parameters)
    return turned


def _error(landmarks: np.ndarray, projected: np.ndarray, visible: np.ndarray) -> np.ndarray:
    distances: np.ndarray = np.linalg.norm(
        ((landmarks - projected) * visible[:, None]).reshape(len(landmarks), -1), axis=1
    )
    return distances


def _step(
    model: PointDistributionModel,
    state: _State,
    shape: np.ndarray,
    landmarks: np.ndarray,
    visible: np.ndarray,
) -> np.ndarray:
    """Damped Gauss-Newton step ``(N, 40)``: scale, 3 rotations, 2 translations, 34 modes."""
    turned = state.rotation[:, :2] @ shape
    jacobian = _jacobian(model, state, shape, turned) * visible[:, None, :, None]
    residual = (landmarks - state.project(turned)) * visible[:, None]
    jacobian = jacobian.reshape(len(shape), 2 * POINTS, -1)
    transposed = jacobian.transpose(0, 2, 1)
    hessian = transposed @ jacobian
    gradient = (transposed @ residual.reshape(len(shape), 2 * POINTS, 1))[..., 0]
    stiffness = 1 / model.eigenvalues
    hessian[:, range(_POSE, _POSE + MODES), range(_POSE, _POSE + MODES)] += stiffness
    gradient[:, _POSE:] -= stiffness * state.parameters
    solution: np.ndarray = np.linalg.solve(hessian, gradient[..., None])[..., 0]
    return _DAMPING * solution


def _jacobian(
    model: PointDistributionModel, state: _State, shape: np.ndarray, turned: np.ndarray
) -> np.ndarray:
    """Derivatives ``(N, 2, 68, 40)`` of the landmarks."""
    count = len(shape)
    x, y, z = (shape[:, None, axis] for axis in range(3))
    r1, r2, r3 = (state.rotation[:, :2, axis, None] for axis in range(3))
    scale = state.scale[:, None, None]
    jacobian = np.zeros((count, 2, POINTS, _POSE + MODES))
    jacobian[..., 0] = turned
    jacobian[..., 1] = scale * (y * r3 - z * r2)
    jacobian[..., 2] = scale * (z * r1 - x * r3)
    jacobian[..., 3] = scale * (x * r2 - y * r1)
    jacobian[:, 0, :, 4] = 1
    jacobian[:, 1, :, 5] = 1
    scaled = (scale * state.rotation[:, :2]).reshape(count * 2, 3)
    jacobian[..., _POSE:] = (scaled @ model.modes.reshape(3, -1)).reshape(count, 2, POINTS, MODES)
    return jacobian


def _move(state: _State, step: np.ndarray) -> None:
    """Add the step; the rotation is followed by the step's, made orthonormal."""
    state.scale = state.scale + step[:, 0]
    state.translation = state.translation + step[:, 4:6]
    state.parameters = state.parameters + step[:, _POSE:]
    state.rotation = state.rotation @ _nearest_rotation(step[:, 1:4])


def _nearest_rotation(axes: np.ndarray) -> np.ndarray:
    """Rotations ``(N, 3, 3)`` nearest to I + [w]x: about w, by the arc tangent of its length."""
    length = np.linalg.norm(axes, axis=1)
    w1, w2, w3 = axes.T
    nothing = np.zeros_like(w1)
    cross = np.stack([nothing, -w3, w2, w3, nothing, -w1, -w2, w1, nothing], axis=1)
    cross = cross.reshape(-1, 3, 3)
    cosine = 1 / np.sqrt(1 + length**2)
    # Rodrigues' formula with sin = |w| cos; (1 - cos) / |w|^2 = cos^2 / (1 + cos).
    squared = (cosine**2 / (1 + cosine))[:, None, None] * (cross @ cross)
    return np.asarray(np.eye(3) + cosine[:, None, None] * cross + squared)


def _euler(rotation: np.ndarray) -> np.ndarray:
    """Angles ``(N, 3)`` about x, y and z of Rx Ry Rz."""
    return np.stack(
        [
            np.arctan2(-rotation[:, 1, 2], rotation[:, 2, 2]),
            np.arcsin(np.clip(rotation[:, 0, 2], -1, 1)),
            np.arctan2(-rotation[:, 0, 1], rotation[:, 0, 0]),
        ],
        axis=1,
    )
