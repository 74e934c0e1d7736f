import numpy as np
import pytest
from builders.openface import make_shape_model
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprep.faces.action_units.openface.models.shape_fit import fit_shapes
from faceprep.faces.action_units.openface.models.shape_model import MODES

MODEL = make_shape_model()


def rotation(angles):
    """Return the rotation Rx Ry Rz."""
    a, b, c = angles
    x = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    y = [[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]]
    z = [[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]]
    return np.array(x) @ y @ z


def project(scale, turn, translation, parameters):
    shape = (MODEL.mean + MODEL.modes @ parameters).reshape(3, 68)
    return (scale * (turn @ shape)[:2]).T + translation


def some_face(seed, noise=0.5):
    rng = np.random.default_rng(seed)
    parameters = rng.normal(size=MODES) * np.sqrt(MODEL.eigenvalues) * 0.5
    angles = rng.normal(size=3) * [0.15, 0.3, 0.2]
    points = project(rng.uniform(0.5, 4), rotation(angles), rng.uniform(50, 500, 2), parameters)
    return points + rng.normal(0, noise, (68, 2))


def fit_one(points):
    """Implement the description of OpenFace's fit for one face, with numerical derivatives."""

    def landmarks(step, scale, turn, translation, parameters):
        w = step[1:4]
        cross = np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])
        return project(
            scale + step[0], turn @ (np.eye(3) + cross), translation + step[4:6],
            parameters + step[6:],
        )  # fmt: skip

    low, high = points.min(axis=0), points.max(axis=0)
    flat = MODEL.mean.reshape(3, 68)[:2]
    scale = ((high - low) / (flat.max(axis=1) - flat.min(axis=1))).mean()
    turn, translation, parameters = np.eye(3), (low + high) / 2, np.zeros(MODES)
    penalty = np.concatenate([np.zeros(6), 1 / MODEL.eigenvalues])
    previous = np.linalg.norm(points - project(scale, turn, translation, parameters))
    failures = iterations = 0
    while failures < 3:
        iterations += 1
        pose = (scale, turn, translation, parameters)
        steps = 1e-5 * np.eye(40)
        jacobian = np.column_stack(
            [(landmarks(s, *pose) - landmarks(-s, *pose)).ravel() / 2e-5 for s in steps]
        )
        residual = (points - project(*pose)).ravel()
        gradient = jacobian.T @ residual - penalty * np.concatenate([np.zeros(6), parameters])
        step = 0.75 * np.linalg.solve(jacobian.T @ jacobian + np.diag(penalty), gradient)
        w = step[1:4]
        u, _, v = np.linalg.svd(np.array([[1, -w[2], w[1]], [w[2], 1, -w[0]], [-w[1], w[0], 1]]))
        turn = turn @ u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
        scale, translation = scale + step[0], translation + step[4:6]
        error = np.linalg.norm(points - project(scale, turn, translation, parameters))
        parameters = parameters + step[6:]
        failures += 0.999 * previous < error
        previous = error
    return scale, turn, translation, parameters, iterations


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_description_step_by_step(seed):
    points = some_face(seed)
    scale, turn, translation, parameters, iterations = fit_one(points)
    fit = fit_shapes(MODEL, points[None])
    assert fit.fitted.all()
    assert 5 < iterations < 40
    np.testing.assert_allclose(fit.scale, [scale], rtol=1e-8)
    np.testing.assert_allclose(fit.translation, [translation], atol=1e-6)
    np.testing.assert_allclose(rotation(fit.angles[0]), turn, atol=1e-8)
    np.testing.assert_allclose(fit.parameters, [parameters], atol=1e-6)


def test_finds_the_parameters_that_made_the_points():
    rng = np.random.default_rng(5)
    parameters = rng.normal(size=MODES) * np.sqrt(MODEL.eigenvalues) * 0.4
    angles = np.array([0.1, -0.25, 0.3])
    # Large scale, so that the regularization hardly matters.
    points = project(500.0, rotation(angles), np.array([3e4, 2e4]), parameters)
    fit = fit_shapes(MODEL, points[None])
    np.testing.assert_allclose(fit.scale, [500.0], rtol=1e-3)
    np.testing.assert_allclose(fit.angles[0], angles, atol=1e-3)
    np.testing.assert_allclose(fit.translation[0], [3e4, 2e4], rtol=1e-3)
    np.testing.assert_allclose(fit.parameters[0], parameters, atol=0.3)


def test_the_mean_face_has_no_deviation():
    points = project(2.0, rotation([0, 0, 0]), np.array([100.0, 90.0]), np.zeros(MODES))
    fit = fit_shapes(MODEL, points[None])
    np.testing.assert_allclose(fit.parameters, 0, atol=1e-6)
    np.testing.assert_allclose(fit.angles, 0, atol=1e-9)
    np.testing.assert_allclose(fit.translation, [[100, 90]], atol=1e-6)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 1000),
    angle=st.floats(-0.6, 0.6),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_moving_or_turning_the_picture_leaves_the_shape(seed, angle, shift):
    points = some_face(seed)
    turn = rotation([0, 0, angle])[:2, :2]
    moved = points @ turn.T + shift
    if (np.abs(moved[:, 0]) < 1e-9).any():
        return
    fit, other = fit_shapes(MODEL, points[None]), fit_shapes(MODEL, moved[None])
    np.testing.assert_allclose(other.scale, fit.scale, rtol=2e-3)
    np.testing.assert_allclose(other.translation, fit.translation @ turn.T + shift, atol=1)
    np.testing.assert_allclose(other.parameters, fit.parameters, atol=0.6)


def test_a_batch_gives_each_face_what_it_gets_alone():
    faces = np.stack([some_face(seed, noise=seed / 5) for seed in range(40)])
    faces[7] = np.nan
    faces[11, 3, 0] = 0
    together = fit_shapes(MODEL, faces)
    alone = [fit_shapes(MODEL, face[None]) for face in faces]
    assert together.fitted.tolist() == [k != 7 for k in range(40)]
    for name in ("scale", "angles", "translation", "parameters"):
        values = np.concatenate([getattr(fit, name) for fit in alone])
        np.testing.assert_allclose(getattr(together, name), values, atol=1e-9)


def test_a_point_whose_x_is_zero_does_not_count():
    points = some_face(3)
    points[[5, 40], 0] = 0
    elsewhere = points.copy()
    elsewhere[[5, 40], 1] = -1e4
    fit, other = fit_shapes(MODEL, points[None]), fit_shapes(MODEL, elsewhere[None])
    np.testing.assert_array_equal(fit.parameters, other.parameters)
    whole = fit_shapes(MODEL, some_face(3)[None])
    np.testing.assert_allclose(fit.translation, whole.translation, atol=3)


def test_landmarks_that_allow_no_fit_are_flagged():
    faces = np.stack([some_face(0)] * 6)
    faces[1, 4, 1] = np.nan
    faces[2] = 33.0
    faces[3] = 0.0
    faces[4, 3:, 0] = 0.0
    faces[5] *= 1e200
    assert fit_shapes(MODEL, faces).fitted.tolist() == [True] + [False] * 5
    assert fit_shapes(MODEL, np.empty((0, 68, 2))).fitted.shape == (0,)
