"""Fit the 3-D shape model of OpenFace to 68 landmarks: pose of the head and shape of the face.

The method is regularized Gauss-Newton with a weak-perspective camera, for all faces at once
(Saragih, Lucey and Cohn, "Deformable Model Fitting by Regularized Landmark Mean-Shift", IJCV 2011).
Initial values, damping and stopping rule are those of OpenFace 2.0.6 (``PDM::CalcParams``).

OpenFace computes in single precision and keeps the rotation as three angles; double precision and a
rotation matrix give the same shape (AU intensities differ by less than 0.001).
"""

from dataclasses import dataclass, fields

import numpy as np

from faceprep.faces.action_units.openface.models.shape_model import (
    MODES,
    PointDistributionModel,
    VisiblePart,
)

_POSE = 6
_DAMPING = 0.75
_IMPROVEMENT = 0.999
"""Ratio of successive errors above which there is no improvement."""
_PATIENCE = 3
_MAX_ITERATIONS = 1000
_MIN_POINTS = 4
"""Number of points; with fewer the pose is undetermined."""

# Larger batches do not fit into the cache of the processor.
_BATCH_SIZE = 16


@dataclass(frozen=True)
class ShapeFit:
    """Hold poses and shapes of N faces: landmark = scale * (rotation @ shape)[:2] + translation."""

    scale: np.ndarray  # (N,) float64: pixels per millimetre
    angles: np.ndarray  # (N, 3) float64: rotation in radians about x, y and z; rotation = Rx Ry Rz
    translation: np.ndarray  # (N, 2) float64: pixels
    # (N, 34) float64: parameters of the shape, which is mean + modes @ parameters
    parameters: np.ndarray
    # (N,) bool: False if the landmarks allow no fit (NaN, all coincident, fewer than 4 visible).
    # The other values are not meaningful then.
    fitted: np.ndarray


def fit_shapes(model: PointDistributionModel, landmarks: np.ndarray) -> ShapeFit:
    """Fit the model to the landmarks ``(N, 68, 2)`` of N faces, pixels.

    A point whose x is exactly 0 counts as invisible, as in OpenFace.
    """
    landmarks = np.asarray(landmarks, dtype=np.float64).transpose(0, 2, 1)
    state = _State.empty(len(landmarks))
    usable = np.isfinite(landmarks).all(axis=(1, 2))
    visible = landmarks[:, 0] != 0
    with np.errstate(all="ignore"):
        for pattern in np.unique(visible[usable], axis=0):
            if pattern.sum() < _MIN_POINTS:
                continue
            part = model.whole if pattern.all() else VisiblePart(model, pattern)
            alike = np.flatnonzero(usable & (visible == pattern).all(axis=1))
            for start in range(0, len(alike), _BATCH_SIZE):
                rows = alike[start : start + _BATCH_SIZE]
                state.put(rows, _fit(part, landmarks[rows][:, :, pattern]))
        fitted = np.isfinite(state.parameters).all(axis=1) & (state.scale > 0)
        angles = _euler(state.rotation)
    return ShapeFit(state.scale, angles, state.translation, state.parameters, fitted)


@dataclass
class _State:
    """Hold the variables of the iterations; ``rotation (N, 3, 3)`` replaces the angles."""

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

    def rotate(self, shape: np.ndarray) -> np.ndarray:
        """Return x and y ``(N, 2, P)`` of rotated shapes ``(N, 3, P)``."""
        return np.asarray(self.rotation[:, :2] @ shape)

    def project(self, rotated: np.ndarray) -> np.ndarray:
        """Return pixels ``(N, 2, P)`` of rotated shapes."""
        return self.scale[:, None, None] * rotated + self.translation[..., None]


def _fit(part: VisiblePart, landmarks: np.ndarray) -> _State:
    """Iterate until no face improves; faces that have stopped are not changed any more.

    `landmarks` is ``(N, 2, P)``, visible points only.
    """
    result = _State.empty(len(landmarks))
    state = _start(part, landmarks)
    rows = np.arange(len(landmarks))
    shape = part.shape(state.parameters)
    previous = _length(landmarks - state.project(state.rotate(shape)))
    stalled = np.zeros(len(landmarks), dtype=int)
    for _ in range(_MAX_ITERATIONS):
        rotated = state.rotate(shape)
        _move(state, _step(part, state, shape, rotated, landmarks - state.project(rotated)))
        # As in OpenFace, the error is that of the new pose with the previous shape.
        error = _length(landmarks - state.project(state.rotate(shape)))
        stalled += ~(error <= _IMPROVEMENT * previous)
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
    """Return the mean shape without rotation, placed in the bounding box of the landmarks."""
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
    part: VisiblePart, state: _State, shape: np.ndarray, rotated: np.ndarray, residual: np.ndarray
) -> np.ndarray:
    """Return the damped step ``(N, 40)``: scale, 3 rotations, 2 translations, 34 modes.

    The derivative by a parameter is linear in its mode. Its products with the other derivatives
    follow from those of `VisiblePart`, so the derivatives themselves are not computed.
    """
    count, rows = len(shape), _POSE + 1
    camera = state.scale[:, None, None] * state.rotation[:, :2]
    # With the residual as the seventh row, one product gives both sides of the system.
    pose = np.empty((count, 2, rows, shape.shape[2]))
    pose[:, :, :_POSE] = _pose_derivatives(camera, shape, rotated)
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
    """Solve N linear systems; the solution of a singular system is NaN."""
    try:
        return np.asarray(np.linalg.solve(normal, gradient))
    except np.linalg.LinAlgError:
        if len(normal) == 1:
            return np.full_like(gradient, np.nan)
        pairs = zip(normal, gradient, strict=True)
        return np.concatenate([_solve(one[None], other[None]) for one, other in pairs])


def _pose_derivatives(camera: np.ndarray, shape: np.ndarray, rotated: np.ndarray) -> np.ndarray:
    """Return derivatives ``(N, 2, 6, P)`` of projected points by scale, rotation, translation.

    `camera` is scale times the first two rows of the rotation, ``(N, 2, 3)``.
    """
    x, y, z = (shape[:, None, axis] for axis in range(3))
    c1, c2, c3 = (camera[..., axis, None] for axis in range(3))
    derivatives = np.zeros((len(shape), 2, _POSE, shape.shape[2]))
    derivatives[:, :, 0] = rotated
    derivatives[:, :, 1] = y * c3 - z * c2
    derivatives[:, :, 2] = z * c1 - x * c3
    derivatives[:, :, 3] = x * c2 - y * c1
    derivatives[:, 0, 4] = 1
    derivatives[:, 1, 5] = 1
    return derivatives


def _move(state: _State, step: np.ndarray) -> None:
    """Add the step; the rotation is multiplied by the orthonormal rotation of the step."""
    state.scale = state.scale + step[:, 0]
    state.rotation = state.rotation @ _nearest_rotation(step[:, 1:4])
    state.translation = state.translation + step[:, 4:_POSE]
    state.parameters = state.parameters + step[:, _POSE:]


def _nearest_rotation(axes: np.ndarray) -> np.ndarray:
    """Return the rotations ``(N, 3, 3)`` nearest to I + [w]x: by arctan |w| about w."""
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
    """Return the angles ``(N, 3)`` about x, y and z of Rx Ry Rz."""
    return np.stack(
        [
            np.arctan2(-rotation[:, 1, 2], rotation[:, 2, 2]),
            np.arcsin(np.clip(rotation[:, 0, 2], -1, 1)),
            np.arctan2(-rotation[:, 0, 1], rotation[:, 0, 0]),
        ],
        axis=1,
    )
