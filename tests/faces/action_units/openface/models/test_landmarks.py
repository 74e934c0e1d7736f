"""Test the refinement of dlib's points."""

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprep.core.images import read_image
from faceprep.core.landmarks import flip_points
from faceprep.core.vocabulary import COLUMNS_R, INTENSITY_AUS
from faceprep.faces.action_units.openface.models.au_models import load_models
from faceprep.faces.action_units.openface.models.descriptor import describe, predict_stills
from faceprep.faces.action_units.openface.models.landmark_network import (
    WEIGHTS,
    load_network,
    network_digest,
)
from faceprep.faces.action_units.openface.models.landmarks import (
    EYE_DISTANCE,
    FEATURES,
    MAX_DISPLACEMENT,
    SIDE,
    features,
    normalize_face,
    refine_many,
    similarity,
)
from faceprep.faces.alignment import apply_affine
from faceprep.faces.dlib.landmark_predictor import LandmarkPredictor
from faceprep.faces.mtcnn.detector import MTCNN

_PHOTOGRAPHS = 120


def _held_out(subject: str) -> bool:
    """Hold subjects out as `tools/openface_examples.py` does."""
    return int(hashlib.sha256(subject.encode()).hexdigest(), 16) % 5 < 2


def _face(seed: int, side: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """Return smooth noise and points in the arrangement of a face."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (12, 12, 3)).astype(np.uint8)
    image = np.kron(coarse, np.ones((side // 12, side // 12, 1), np.uint8))
    points = load_network().mean_shape * side * 0.4 + side / 2 + rng.normal(0, 2, (68, 2))
    return image, points


def _moves(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the displacements ``(68,)`` in eye distances of the mean shape."""
    matrix = similarity(before, load_network().mean_shape)
    return np.linalg.norm(after - before, axis=1) * np.hypot(*matrix[:, 0]) / EYE_DISTANCE


def test_the_numbers_are_small_and_shipped() -> None:
    data = files("faceprep.faces.action_units.openface.models").joinpath(WEIGHTS).read_bytes()
    assert len(data) < 1_000_000
    assert network_digest() == hashlib.sha256(data).hexdigest()[:16]


def test_the_mean_shape_is_upright_symmetric_and_of_unit_size() -> None:
    mean = load_network().mean_shape
    assert np.linalg.norm(mean[45] - mean[36]) == pytest.approx(1, abs=1e-6)
    assert mean[8, 1] > mean[36, 1]  # the chin is below the eyes
    assert mean[36] == pytest.approx(mean[45] * [-1, 1], abs=1e-6)


def test_points_keep_their_shape_and_type() -> None:
    images, points = zip(*(_face(seed) for seed in range(3)), strict=True)
    moved = refine_many(images, np.array(points, np.float32))
    assert moved.shape == (3, 68, 2)
    assert moved.dtype == np.float64
    assert np.isfinite(moved).all()
    assert refine_many([], np.empty((0, 68, 2))).shape == (0, 68, 2)


@pytest.mark.parametrize("shape", [(68, 2), (2, 68, 2), (1, 5, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="landmarks, got"):
        refine_many([_face(0)[0]], np.zeros(shape))


def test_a_face_does_not_depend_on_the_others() -> None:
    images, points = zip(*(_face(seed) for seed in range(7)), strict=True)
    together = refine_many(images, np.array(points))
    alone = [refine_many([i], p[None])[0] for i, p in zip(images, points, strict=True)]
    backwards = refine_many(images[::-1], np.array(points)[::-1])[::-1]
    assert together.tobytes() == np.array(alone).tobytes() == backwards.tobytes()


def test_a_missing_point_makes_the_face_missing_and_no_other() -> None:
    images, points = zip(*(_face(seed) for seed in range(3)), strict=True)
    broken = np.array(points)
    broken[1, 30, 0] = np.nan
    moved = refine_many(images, broken)
    assert np.isnan(moved[1]).all()
    assert (moved[[0, 2]] == refine_many([images[0], images[2]], broken[[0, 2]])).all()


@given(
    seed=st.integers(0, 50),
    scale=st.floats(0.01, 20),
    x=st.floats(-2000, 2000),
    y=st.floats(-2000, 2000),
    degrees=st.floats(-180, 180),
)
def test_no_point_moves_far_wherever_the_face_lies(
    seed: int, scale: float, x: float, y: float, degrees: float
) -> None:
    image, points = _face(seed)
    turn = scale * np.exp(1j * np.radians(degrees))
    turned = (points @ [1, 1j]) * turn + complex(x, y)
    points = np.stack([turned.real, turned.imag], axis=1)
    moved = refine_many([image], points[None])[0]
    assert np.isfinite(moved).all()
    assert _moves(points, moved).max() <= MAX_DISPLACEMENT * (1 + 1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3), (0, 10)])
def test_tiny_images_do_no_harm(shape: tuple[int, int]) -> None:
    points = _face(0)[1]
    moved = refine_many([np.zeros((*shape, 3), np.uint8)], points[None])
    assert np.isfinite(moved).all()


def test_points_that_fix_no_similarity_stay() -> None:
    image, _ = _face(0)
    for points in (np.full((1, 68, 2), 100.0), np.full((1, 68, 2), 1e200)):
        assert (refine_many([image], points) == points).all()


def test_the_upright_face_shows_the_points_where_the_matrix_says() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    points = load_network().mean_shape * 250 + 200
    x, y = np.rint(points[30]).astype(int)
    image[y - 4 : y + 5, x - 4 : x + 5] = 255
    face, matrix = normalize_face(image, points, load_network().mean_shape)
    assert face.shape == (SIDE, SIDE)
    rows, columns = np.nonzero(face > 128)
    centre = apply_affine(matrix, np.array([x, y], float))
    assert [columns.mean(), rows.mean()] == pytest.approx(centre, abs=0.6)


def test_large_pictures_are_averaged_not_skipped() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (2400, 2400, 3)).astype(np.uint8)
    face, _ = normalize_face(
        image, load_network().mean_shape * 1000 + 1200, load_network().mean_shape
    )
    assert face.std() < image.std() / 5


def test_features_are_of_unit_length_and_vanish_where_it_is_flat() -> None:
    image, points = _face(3)
    face, matrix = normalize_face(image, points, load_network().mean_shape)
    lengths = np.linalg.norm(features(face, apply_affine(matrix, points)), axis=1)
    assert (lengths <= 1 + 1e-5).all()
    assert lengths.max() > 0.9
    flat = features(np.full((SIDE, SIDE), 90, np.uint8), apply_affine(matrix, points))
    assert (flat == 0).all()


def test_brightness_and_size_hardly_matter(openface_faces: dict[str, Any]) -> None:
    images, points = openface_faces["images"][:20], openface_faces["starts"][:20]
    moved = refine_many(images, points)
    darker = refine_many([(i * 0.6).astype(np.uint8) for i in images], points)
    lengths = [
        np.mean(np.abs(_moves(p, a) - _moves(p, b)))
        for p, a, b in zip(points, moved, darker, strict=True)
    ]
    assert np.mean(lengths) < 0.003


@pytest.fixture(scope="module")
def openface_faces(shared: Path) -> dict[str, Any]:
    """Load held-out photographs with dlib's points and OpenFace's."""
    table = pd.read_csv(shared / "reference" / "openface_photos.csv")
    labels = pd.read_csv(shared / "faces" / "labels.csv").set_index("image")
    unseen = [_held_out(labels.loc[name, "subject"]) for name in table["image"]]
    table = table[np.array(unseen) & (table["confidence"] > 0.7)]
    table = table.iloc[:: max(len(table) // _PHOTOGRAPHS, 1)].iloc[:_PHOTOGRAPHS]
    truth = np.stack([table[[f"{a}_{k}" for k in range(68)]].to_numpy(float) for a in "xy"], -1)
    images = [read_image(shared / "faces" / "images" / name) for name in table["image"]]
    found = MTCNN().detect(images)
    kept = [k for k, faces in enumerate(found) if len(faces) == 1]
    faces = [found[k][0] for k in kept]
    starts = LandmarkPredictor().predict_many([images[k] for k in kept], faces)
    return {
        "images": [images[k] for k in kept],
        "starts": starts.astype(np.float64),
        "truth": truth[kept],
        "intensities": table[list(COLUMNS_R)].to_numpy(float)[kept],
    }


def _errors(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return distances ``(N, 68)`` relative to that of the outer eye corners."""
    eyes = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=1)
    return np.asarray(np.linalg.norm(points - truth, axis=2) / eyes[:, None])


def test_points_come_nearer_to_openfaces(openface_faces: dict[str, Any]) -> None:
    images, starts, truth = (openface_faces[k] for k in ("images", "starts", "truth"))
    before = _errors(starts, truth)
    after = _errors(refine_many(images, starts), truth)
    assert np.median(after.mean(axis=1)) < 0.75 * np.median(before.mean(axis=1))
    assert after[:, 48:].mean() < 0.8 * before[:, 48:].mean()
    assert (after.mean(axis=1) < before.mean(axis=1)).mean() > 0.85


def test_a_mirrored_face_gives_mirrored_points(openface_faces: dict[str, Any]) -> None:
    images, starts = openface_faces["images"][:40], openface_faces["starts"][:40]
    moved = refine_many(images, starts)
    turned = refine_many(
        [np.ascontiguousarray(i[:, ::-1]) for i in images],
        np.stack([flip_points(p, i.shape[1]) for i, p in zip(images, starts, strict=True)]),
    )
    back = np.stack([flip_points(p, i.shape[1]) for i, p in zip(images, turned, strict=True)])
    # Symmetry is not enforced, but half of the training faces were mirrored.
    assert np.median(_errors(back, moved)) < 0.015


def test_action_units_agree_with_openfaces(
    openface_faces: dict[str, Any], openface_models: Path
) -> None:
    models = load_models(openface_models)
    images, starts = openface_faces["images"], openface_faces["starts"]

    def agreement(points: np.ndarray) -> np.ndarray:
        found, _ = predict_stills(describe(images, points, models), models)
        columns = zip(found.T, openface_faces["intensities"].T, strict=True)
        return np.array([np.corrcoef(*pair)[0, 1] for pair in columns])

    plain, refined = agreement(starts), agreement(refine_many(images, starts))
    assert refined.mean() > 0.82
    assert refined.mean() > plain.mean() + 0.03
    lips = INTENSITY_AUS.index("AU25")
    assert refined[lips] > plain[lips] + 0.05


def test_the_file_holds_what_the_network_needs() -> None:
    net = load_network()
    assert net.local.shape == (68, FEATURES, net.local_bias.shape[1])
    assert net.hidden.shape == (net.local_bias.size + 136, len(net.hidden_bias))
    assert net.straight.shape == (len(net.hidden), 136)
    assert net.output.shape == (len(net.hidden_bias), len(net.output_bias))
