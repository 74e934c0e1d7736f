"""OpenFace's 3-D shape model, fitted to 68 landmarks: where the head is, and how the face is bent.

Regularised Gauss-Newton on a weak-perspective camera, for all faces at once. Saragih, Lucey and
Cohn, "Deformable Model Fitting by Regularized Landmark Mean-Shift", IJCV 2011; starting point,
damping and the rule for stopping are those of OpenFace 2.0.6 (``PDM::CalcParams``).

OpenFace computes in single precision and keeps the rotation as three angles; double precision and a
rotation matrix give the same shape (AU intensities differ by less than 0.001).
"""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

POINTS = 68
MODES = 34

_POSE = 6
_DAMPING = 0.75
_ENOUGH = 0.999
"""An error above this share of the one before is no improvement."""
_PATIENCE = 3
_MAX_ITERATIONS = 1000
_FEWEST = 4
"""Points: with fewer the pose is open."""

# More at a time would not fit the processor's cache.
_AT_A_TIME = 16


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

    @cached_property
    def whole(self) -> "VisiblePart":
        """The model with all points visible."""
        return VisiblePart(self, np.ones(POINTS, dtype=bool))


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
        Of the shape, which is mean + modes @ parameters.
    fitted : (N,) bool
        False where the landmarks allow no fit (NaN, all in one place, fewer than
        4 visible); the rest means nothing then.
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
    state = _State.empty(len(landmarks))
    usable = np.isfinite(landmarks).all(axis=(1, 2))
    visible = landmarks[:, 0] != 0
    with np.errstate(all="ignore"):
        for pattern in np.unique(visible[usable], axis=0):
            if pattern.sum() < _FEWEST:
                continue
            part = model.whole if pattern.all() else VisiblePart(model, pattern)
            alike = np.flatnonzero(usable & (visible == pattern).all(axis=1))
            for start in range(0, len(alike), _AT_A_TIME):
                rows = alike[start : start + _AT_A_TIME]
                state.put(rows, _fit(part, landmarks[rows][:, :, pattern]))
        fitted = np.isfinite(state.parameters).all(axis=1) & (state.scale > 0)
        angles = _euler(state.rotation)
    return ShapeFit(state.scale, angles, state.translation, state.parameters, fitted)


class VisiblePart:
    """The model's visible points, and what the iterations need of them again and again.

    Attributes
    ----------
    mean : (3 P,), modes : (3 P, 34)
        Of the P visible points.
    products : (9, 34 * 34)
        Products of the modes' x, y and z with one another.
    stiffness : (34,)
        What holds the parameters back.
    """

    def __init__(self, model: PointDistributionModel, visible: np.ndarray) -> None:
        self.mean = model.mean.reshape(3, POINTS)[:, visible].ravel()
        modes = model.modes.reshape(3, POINTS, MODES)[:, visible]
        self.modes = modes.reshape(-1, MODES)
        self.products = np.einsum("apm,bpn->abmn", modes, modes).reshape(9, -1)
        self.stiffness = 1 / model.eigenvalues

    def shape(self, parameters: np.ndarray) -> np.ndarray:
        """Points ``(N, 3, P)`` of shapes with parameters ``(N, 34)``."""
        return np.asarray(self.mean + parameters @ self.modes.T).reshape(len(parameters), 3, -1)


@dataclass
class _State:
    """What the iterations move; ``rotation (N, 3, 3)`` in place of angles."""

    rotation: np.ndarray
    scale: np.ndarray
    translation: np.ndarray
    parameters: np.ndarray

    @classmethod
    def empty(cls, count: int) -> "_State":
        shapes = ((3, 3), (), (2,), (MODES,))
        return cls(*(np.full((count, *shape), np.nan) for shape in shapes))

    def take(self, rows: np.ndarray) -> "_State":
        return _State(*(getattr(self, field.name)[rows] for field in fields(self)))

    def put(self, rows: np.ndarray, other: "_State") -> None:
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)

    def turn(self, shape: np.ndarray) -> np.ndarray:
        """x and y ``(N, 2, P)`` of turned shapes ``(N, 3, P)``."""
        return np.asarray(self.rotation[:, :2] @ shape)

    def project(self, turned: np.ndarray) -> np.ndarray:
        """Pixels ``(N, 2, P)`` of shapes already turned."""
        return self.scale[:, None, None] * turned + self.translation[..., None]


def _fit(part: VisiblePart, landmarks: np.ndarray) -> _State:
    """Iterate until no face improves; a face that has stopped is left alone.

    `landmarks` is ``(N, 2, P)``, visible points only.
    """
    result = _State.empty(len(landmarks))
    state = _start(part, landmarks)
    rows = np.arange(len(landmarks))
    shape = part.shape(state.parameters)
    previous = _length(landmarks - state.project(state.turn(shape)))
    stalled = np.zeros(len(landmarks), dtype=int)
    for _ in range(_MAX_ITERATIONS):
        turned = state.turn(shape)
        _move(state, _step(part, state, shape, turned, landmarks - state.project(turned)))
        # The new pose with the shape of before, as OpenFace measures it.
        error = _length(landmarks - state.project(state.turn(shape)))
        stalled += ~(error <= _ENOUGH * previous)
        previous = error
        shape = part.shape(state.parameters)
        stopped = stalled == _PATIENCE
        if stopped.any():
            result.put(rows[stopped], state.take(stopped))
            going = ~stopped
            rows, state, landmarks = rows[going], state.take(going), landmarks[going]
            previous, stalled, shape = previous[going], stalled[going], shape[going]
        if not len(rows):
            return result
    result.put(rows, state)
    return result


def _start(part: VisiblePart, landmarks: np.ndarray) -> _State:
    """The mean shape, unturned, in the box of the landmarks."""
    count = len(landmarks)
    low, high = landmarks.min(axis=2), landmarks.max(axis=2)
    mean = part.mean.reshape(3, -1)[:2]
    return _State(
        rotation=np.tile(np.eye(3), (count, 1, 1)),
        scale=((high - low) / np.ptp(mean, axis=1)).mean(axis=1),
        translation=(low + high) / 2,
        parameters=np.zeros((count, MODES)),
    )


def _length(residual: np.ndarray) -> np.ndarray:
    return np.linalg.norm(residual.reshape(len(residual), -1), axis=1)


def _step(
    part: VisiblePart, state: _State, shape: np.ndarray, turned: np.ndarray, residual: np.ndarray
) -> np.ndarray:
    """Damped Gauss-Newton step ``(N, 40)``: scale, 3 rotations, 2 translations, 34 modes.

    A mode's derivative is linear in the modes, so its products with the others and with the pose's
    derivatives come from those of `VisiblePart`; the derivatives themselves are never formed.
    """
    count, rows = len(shape), _POSE + 1
    camera = state.scale[:, None, None] * state.rotation[:, :2]
    # With the residual as a seventh row, the same products give both sides of the system.
    pose = np.empty((count, 2, rows, shape.shape[2]))
    pose[:, :, :_POSE] = _pose_derivatives(camera, shape, turned)
    pose[:, :, _POSE] = residual
    alone = pose[:, 0] @ pose[:, 0].transpose(0, 2, 1) + pose[:, 1] @ pose[:, 1].transpose(0, 2, 1)
    back = camera.transpose(0, 2, 1)
    lifted = (back @ pose.reshape(count, 2, -1)).reshape(count, 3, rows, -1).transpose(0, 2, 1, 3)
    mixed = (lifted.reshape(count * rows, -1) @ part.modes).reshape(count, rows, MODES)

    normal = np.empty((count, _POSE + MODES, _POSE + MODES))
    normal[:, :_POSE, :_POSE] = alone[:, :_POSE, :_POSE]
    normal[:, :_POSE, _POSE:] = mixed[:, :_POSE]
    normal[:, _POSE:, :_POSE] = mixed[:, :_POSE].transpose(0, 2, 1)
    weights = (back @ camera).reshape(count, 9)
    normal[:, _POSE:, _POSE:] = (weights @ part.products).reshape(count, MODES, MODES)
    diagonal = np.arange(_POSE, _POSE + MODES)
    normal[:, diagonal, diagonal] += part.stiffness

    gradient = np.empty((count, _POSE + MODES, 1))
    gradient[:, :_POSE, 0] = alone[:, _POSE, :_POSE]
    gradient[:, _POSE:, 0] = mixed[:, _POSE] - part.stiffness * state.parameters
    return _DAMPING * _solve(normal, gradient)[..., 0]


def _solve(normal: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Solve N systems; NaN where one has no solution."""
    try:
        return np.asarray(np.linalg.solve(normal, gradient))
    except np.linalg.LinAlgError:
        if len(normal) == 1:
            return np.full_like(gradient, np.nan)
        pairs = zip(normal, gradient, strict=True)
        return np.concatenate([_solve(one[None], other[None]) for one, other in pairs])


def _pose_derivatives(camera: np.ndarray, shape: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """Derivatives ``(N, 2, 6, P)`` of the projected points by scale, rotation and translation.

    `camera` is scale times the first two rows of the rotation, ``(N, 2, 3)``.
    """
    x, y, z = (shape[:, None, axis] for axis in range(3))
    c1, c2, c3 = (camera[..., axis, None] for axis in range(3))
    derivatives = np.zeros((len(shape), 2, _POSE, shape.shape[2]))
    derivatives[:, :, 0] = turned
    derivatives[:, :, 1] = y * c3 - z * c2
    derivatives[:, :, 2] = z * c1 - x * c3
    derivatives[:, :, 3] = x * c2 - y * c1
    derivatives[:, 0, 4] = 1
    derivatives[:, 1, 5] = 1
    return derivatives


def _move(state: _State, step: np.ndarray) -> None:
    """Add the step; the rotation is followed by the step's, made orthonormal."""
    state.scale = state.scale + step[:, 0]
    state.rotation = state.rotation @ _nearest_rotation(step[:, 1:4])
    state.translation = state.translation + step[:, 4:_POSE]
    state.parameters = state.parameters + step[:, _POSE:]


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
