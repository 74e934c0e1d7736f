import numpy as np
import pytest

from faceprep.faces.action_units.openface.models.fhog import FEATURES, KEPT, fhog

DIRECTIONS = [
    (1, 0), (0.9397, 0.3420), (0.7660, 0.6428), (0.5, 0.8660), (0.1736, 0.9848),
    (-0.1736, 0.9848), (-0.5, 0.8660), (-0.7660, 0.6428), (-0.9397, 0.3420),
]  # fmt: skip


def strongest(image, x, y):
    """Return the gradient of the strongest channel; ties: the last, from column 105 the first."""
    best = None
    for channel in range(3):
        gx = int(image[y, x + 1, channel]) - int(image[y, x - 1, channel])
        gy = int(image[y + 1, x, channel]) - int(image[y - 1, x, channel])
        length = gx * gx + gy * gy
        if best is None or length > best[0] or (length == best[0] and x < 105):
            best = length, gx, gy
    return best


def fhog_slowly(image):
    """Compute the features pixel by pixel and cell by cell."""
    cells = np.zeros((16, 16, 18))
    for y in range(1, 111):
        for x in range(1, 111):
            length, gx, gy = strongest(image, x, y)
            best, bin_ = 0.0, 0
            for o, (dx, dy) in enumerate(DIRECTIONS):
                dot = gx * dx + gy * dy
                if dot > best:
                    best, bin_ = dot, o
                if -dot > best:
                    best, bin_ = -dot, o + 9
            cx, cy = (x + 0.5) / 8 - 0.5, (y + 0.5) / 8 - 0.5
            ix, iy = int(np.floor(cx)), int(np.floor(cy))
            for jy, wy in ((iy, 1 - (cy - iy)), (iy + 1, cy - iy)):
                for jx, wx in ((ix, 1 - (cx - ix)), (ix + 1, cx - ix)):
                    cells[jy + 1, jx + 1, bin_] += np.sqrt(length) * wx * wy
    cells = cells[1:15, 1:15]
    folded = cells[..., :9] + cells[..., 9:]
    energy = (folded**2).sum(axis=-1)
    result = np.zeros((12, 12, 31))
    for y in range(12):
        for x in range(12):
            histogram, both = cells[y + 1, x + 1], folded[y + 1, x + 1]
            for k, (top, left) in enumerate(((1, 1), (0, 1), (1, 0), (0, 0))):
                total = energy[y + top : y + top + 2, x + left : x + left + 2].sum()
                cap = 0.2 * np.sqrt(total + 1e-4)
                result[y, x, :18] += np.minimum(histogram, cap) * 0.1 / cap
                result[y, x, 18:27] += np.minimum(both, cap) * 0.1 / cap
                texture = (np.minimum(histogram, cap) * 0.1 / cap).sum()
                result[y, x, 27 + k] = 2 * 0.2357 * texture
    return result.ravel()


@pytest.fixture(scope="module")
def faces():
    """Return noise, few levels (frequent ties between channels), a gray ramp, a disc."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (112, 112, 3))
    few = rng.integers(0, 3, (112, 112, 3)) * 40
    ramp = np.repeat((np.add.outer(np.arange(112) * 2, np.arange(112)) % 251)[..., None], 3, -1)
    y, x = np.mgrid[:112, :112]
    disc = np.where((x - 50) ** 2 + (y - 60) ** 2 < 900, 200, 20)[..., None] * [1, 0.5, 0.25]
    return np.stack([noise, few, ramp, disc]).astype(np.uint8)


def test_equals_the_formulas(faces):
    expected = np.stack([fhog_slowly(face) for face in faces])
    assert expected.max() > 0.3
    np.testing.assert_allclose(fhog(faces), expected, atol=2e-7)


def test_channels_are_told_apart(faces):
    assert np.abs(fhog(faces[:2]) - fhog(faces[:2, ..., ::-1])).max() > 0.01


def test_an_edge_votes_for_its_direction():
    face = np.zeros((1, 112, 112, 3), np.uint8)
    face[:, :, 56:] = 100
    cells = fhog(face).reshape(KEPT, KEPT, FEATURES)
    assert (cells[:, 5:7, 0] > 0.1).all()
    assert not cells[..., 1:18].any()
    assert not cells[:, :5].any()


def test_black_faces_and_none_at_all():
    assert not fhog(np.zeros((2, 112, 112, 3), np.uint8)).any()
    assert fhog(np.empty((0, 112, 112, 3), np.uint8)).shape == (0, 4464)


def test_a_face_is_the_same_in_a_batch(faces):
    many = np.concatenate([faces] * 10)
    np.testing.assert_array_equal(fhog(many), np.concatenate([fhog(faces)] * 10))


def test_torch_computes_the_same(faces):
    many = np.concatenate([faces] * 5)
    assert fhog(many, "cpu:0").dtype == np.float32
    np.testing.assert_allclose(fhog(many, "cpu:0"), fhog(many), atol=3e-7)
