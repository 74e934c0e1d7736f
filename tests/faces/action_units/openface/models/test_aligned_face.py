import numpy as np
import pytest
from builders.openface import make_shape_model

from faceprep.faces.action_units.openface.models.aligned_face import (
    SCALE,
    SIDE,
    face_masks,
    similarities,
    warp,
)

MODEL = make_shape_model()
MEAN = MODEL.mean.reshape(3, 68)[:2].T


def similarity(scale, angle, x, y):
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, x], [s, c, y]])


def warp_slowly(image, matrix):
    """Warp as OpenCV until 4.10, pixel by pixel, in 1/32 pixel and 1/1024 of a level."""
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    height, width = image.shape[:2]
    result = np.zeros((SIDE, SIDE, 3), np.uint8)
    for row in range(SIDE):
        for column in range(SIDE):
            place = []
            for m in inverse:
                start = int(np.rint((m[1] * row + m[2]) * 1024)) + 16
                place.append((start + int(np.rint(m[0] * column * 1024))) >> 5)
            (x, y), (f, g) = ([p >> 5 for p in place], [p & 31 for p in place])
            total = np.zeros(3, int)
            for dx, dy, weight in (
                (0, 0, (32 - f) * (32 - g)), (1, 0, f * (32 - g)),
                (0, 1, (32 - f) * g), (1, 1, f * g),
            ):  # fmt: skip
                if 0 <= x + dx < width and 0 <= y + dy < height:
                    total += weight * 32 * image[y + dy, x + dx].astype(int)
            result[row, column] = (total + (1 << 14)) >> 15
    return result


@pytest.mark.parametrize(
    "matrix",
    [
        similarity(0.7, 0.2, -20, 5),
        similarity(0.31, -1.1, 30, 60),
        similarity(3.3, 3.0, 200, 150),
        similarity(1, 0, 0, 0),
        similarity(0.05, 0.1, 50, 50),
    ],
)
def test_warps_like_opencv_of_old_to_the_last_bit(matrix):
    image = np.random.default_rng(0).integers(0, 256, (97, 131, 3), dtype=np.uint8)
    result = warp(image, matrix)
    assert result.any()
    np.testing.assert_array_equal(result, warp_slowly(image, matrix))


def test_a_picture_wider_than_opencv_takes():
    image = np.random.default_rng(1).integers(0, 256, (60, 40_000, 3), dtype=np.uint8)
    matrix = similarity(1.3, 0.1, 0, 0)
    matrix[:, 2] = 56 - matrix[:, :2] @ [39_950, 30]
    result = warp(image, matrix)
    assert result.any()
    np.testing.assert_array_equal(result, warp_slowly(image, matrix))
    assert warp(image, similarity(0.002, 0.0, 20, 50)).any()


@pytest.mark.parametrize("x", [-1e4, 1e4, 1e12, -1e300])
def test_outside_the_picture_all_is_black(x):
    image = np.full((50, 50, 3), 255, np.uint8)
    assert not warp(image, similarity(0.7, 0.3, x, 0)).any()


def test_the_mean_face_comes_upright_and_central():
    angle = 0.4
    turn = similarity(2.5, angle, 300, 200)
    landmarks = (MEAN @ turn[:, :2].T + turn[:, 2])[None]
    (matrix,) = similarities(MODEL, landmarks, turn[None, :, 2])
    expected = (
        SCALE / 2.5 * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    )
    np.testing.assert_allclose(matrix[:, :2], expected, atol=1e-12)
    aligned = landmarks[0] @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(aligned, SCALE * MEAN + 56, atol=1e-9)


def test_the_turn_is_that_of_the_singular_values():
    """Compare with Kabsch by SVD for a face that differs from the mean."""
    rng = np.random.default_rng(2)
    landmarks = MEAN * [1.9, 2.2] + rng.normal(0, 4, (68, 2))
    rigid = [1, 2, 3, 4, 12, 13, 14, 15, 27, 28, 29, 31, 32, 33, 34, 35]
    rigid += [36, 39, 40, 41, 42, 45, 46, 47]
    source, target = landmarks[rigid], SCALE * MEAN[rigid]
    source, target = source - source.mean(axis=0), target - target.mean(axis=0)
    sizes = [np.sqrt((points**2).sum() / 24) for points in (source, target)]
    u, _, v = np.linalg.svd(source.T @ target)
    turn = v.T @ np.diag([1, np.sign(np.linalg.det(v.T @ u.T))]) @ u.T
    (matrix,) = similarities(MODEL, landmarks[None], np.zeros((1, 2)))
    np.testing.assert_allclose(matrix[:, :2], sizes[1] / sizes[0] * turn, atol=1e-12)


def mask_slowly(points, triangles):
    """Return the pixels inside or on the edges of any triangle."""
    rows, columns = np.mgrid[:SIDE, :SIDE]

    def side(a, b, x, y):
        return (b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])

    inside = np.zeros((SIDE, SIDE), bool)
    for a, b, c in points[triangles]:
        edges = ((a, b, c), (b, c, a), (c, a, b))
        sides = [side(p, q, columns, rows) * side(p, q, *r) >= 0 for p, q, r in edges]
        inside |= np.logical_and.reduce(sides)
    return inside


def raised(points):
    points = points.copy()
    points[[0, 16, *range(17, 27)], 1] -= 30
    return points


def test_masks_are_the_pixels_in_triangles():
    rng = np.random.default_rng(3)
    triangles = rng.integers(0, 68, (111, 3))
    triangles = triangles[(np.diff(np.sort(triangles, axis=1), axis=1) > 0).all(axis=1)]
    triangles = triangles[:25]
    landmarks = rng.uniform(-40, 150, (6, 68, 2))
    # Corners on pixels: pixels on edges count as well.
    landmarks[3:] = np.round(landmarks[3:])
    still = np.tile(similarity(1, 0, 0, 0), (6, 1, 1))
    masks = face_masks(still, landmarks, triangles)
    for mask, points in zip(masks, landmarks, strict=True):
        expected = mask_slowly(raised(points), triangles)
        assert 0 < expected.sum() < expected.size
        np.testing.assert_array_equal(mask, expected)


def test_masks_follow_the_similarity():
    matrices = np.stack([similarity(0.7, 0.2, 10, 20), similarity(1.4, -0.3, 40, 0)])
    landmarks = np.random.default_rng(4).uniform(0, 100, (2, 68, 2))
    triangles = np.array([[36, 45, 8], [31, 35, 57]])
    masks = face_masks(matrices, landmarks, triangles)
    for mask, matrix, points in zip(masks, matrices, landmarks, strict=True):
        aligned = points @ matrix[:, :2].T + matrix[:, 2]
        np.testing.assert_array_equal(mask, mask_slowly(raised(aligned), triangles))


def test_no_faces_have_no_masks():
    masks = face_masks(np.empty((0, 2, 3)), np.empty((0, 68, 2)), np.array([[0, 1, 2]]))
    assert masks.shape == (0, SIDE, SIDE)
