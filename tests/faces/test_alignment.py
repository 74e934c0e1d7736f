import math

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faceprep.faces.alignment import (
    apply_affine,
    estimate_similarity,
    five_from_68,
    invert_affine,
    is_mirrored,
    load_template,
    template_names,
    warp,
)

angles = st.floats(-math.pi, math.pi)
scales = st.floats(0.01, 50)
shifts = st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000))
names = st.sampled_from(template_names())
sizes = st.integers(32, 512)
coordinates = st.floats(-4000, 4000, allow_nan=False)
points = arrays(np.float64, st.tuples(st.integers(2, 8), st.just(2)), elements=coordinates)

MIRROR_5 = [1, 0, 2, 4, 3]


def similarity(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]])


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2).astype(np.float32)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


# ----- templates


def test_templates_are_the_published_ones() -> None:
    assert set(template_names()) == {"expression", "arcface", "dlib", "ffhq"}
    arcface = [38.2946, 51.6963, 73.5318, 51.5014, 56.0252, 71.7366]
    np.testing.assert_allclose(load_template("arcface", 112)[:3].ravel(), arcface, atol=1e-4)
    ffhq = [192.98138, 239.94708, 318.90277, 240.1936, 256.63416, 314.01935]
    np.testing.assert_allclose(load_template("ffhq", 512)[:3].ravel(), ffhq, atol=5e-4)


def test_expression_is_arcface_at_four_fifths_with_the_eyes_at_38_percent() -> None:
    expression, arcface = load_template("expression", 1000) + 0.5, load_template("arcface", 1000)
    assert expression[:2, 1].mean() == pytest.approx(380)
    between_eyes = np.linalg.norm(arcface[1] - arcface[0])
    assert expression[1, 0] - expression[0, 0] == pytest.approx(0.8 * between_eyes, rel=1e-4)
    to_mouth = arcface[3:].mean(axis=0) - arcface[:2].mean(axis=0)
    assert expression[3, 1] - expression[0, 1] == pytest.approx(0.8 * to_mouth[1], rel=1e-4)
    # Symmetric, so that a flipped crop is the crop of the flipped photograph.
    mirrored = expression[MIRROR_5] * [-1, 1] + [1000, 0]
    np.testing.assert_allclose(mirrored, expression, atol=1e-9)


def test_unknown_template() -> None:
    with pytest.raises(ValueError, match="known: expression"):
        load_template("arc-face", 128)


@given(names, sizes, st.integers(2, 4))
def test_a_template_scales_about_the_corner_of_the_image(name: str, size: int, factor: int) -> None:
    small, large = load_template(name, size), load_template(name, factor * size)
    np.testing.assert_allclose((small + 0.5) * factor, large + 0.5, rtol=1e-12)


def test_dlib_template_crops_as_dlib_does() -> None:
    dlib = pytest.importorskip("dlib")
    image = texture(400, 400)
    # dlib's mean positions of the 68 points, without the jaw.
    mean_x = """.000213256 .0752622 .18113 .29077 .393397 .586856 .689483 .799124 .904991 .98004
        .490127 .490127 .490127 .490127 .36688 .426036 .490127 .554217 .613373 .121737 .187122
        .265825 .334606 .260918 .182743 .645647 .714428 .793132 .858516 .79751 .719335 .254149
        .340985 .428858 .490127 .551395 .639268 .726104 .642159 .556721 .490127 .423532 .338094
        .290379 .428096 .490127 .552157 .689874 .553364 .490127 .42689"""
    mean_y = """.106454 .038915 .0187482 .0344891 .0773906 .0773906 .0344891 .0187482 .038915
        .106454 .203352 .307009 .409805 .515625 .587326 .609345 .628106 .609345 .587326 .216423
        .178758 .179852 .231733 .245099 .244077 .231733 .179852 .178758 .216423 .244077 .245099
        .780233 .745405 .727388 .742578 .727388 .745405 .780233 .864805 .902192 .909281 .902192
        .864805 .784792 .778746 .785343 .778746 .784792 .824182 .831803 .824182"""
    mean = np.array([mean_x.split(), mean_y.split()], float).T
    face = apply_affine(similarity(0.2, 220, (120, 60)), np.vstack([np.zeros((17, 2)), mean]))
    face = face.round()  # dlib's points are whole pixels
    parts = dlib.points([dlib.point(int(x), int(y)) for x, y in face])
    found = dlib.full_object_detection(dlib.rectangle(0, 0, 399, 399), parts)
    theirs = dlib.get_face_chip(image, found, size=200, padding=0.25)
    matrix = estimate_similarity(five_from_68(face), load_template("dlib", 200))
    ours = warp(image, matrix, 200)
    inner = slice(10, -10)
    assert np.abs(ours[inner, inner].astype(float) - theirs[inner, inner]).mean() < 6
    shifted = np.roll(theirs, 4, axis=1)[inner, inner]
    assert np.abs(ours[inner, inner].astype(float) - shifted).mean() > 20


# ----- similarity


@given(names, sizes, angles, scales, shifts)
def test_the_template_is_hit_exactly(
    name: str, size: int, angle: float, scale: float, shift: tuple[float, float]
) -> None:
    template = load_template(name, size)
    truth = similarity(angle, scale, shift)
    face = apply_affine(truth, template)
    matrix = estimate_similarity(face, template)
    np.testing.assert_allclose(apply_affine(matrix, face), template, atol=1e-6)
    np.testing.assert_allclose(matrix, invert_affine(truth), rtol=1e-6, atol=1e-5)


@given(points, angles, scales, shifts)
def test_any_points_give_back_their_similarity(
    source: np.ndarray, angle: float, scale: float, shift: tuple[float, float]
) -> None:
    assume(np.ptp(source, axis=0).max() > 1)
    truth = similarity(angle, scale, shift)
    found = estimate_similarity(source, apply_affine(truth, source))
    np.testing.assert_allclose(
        apply_affine(found, source), apply_affine(truth, source), atol=1e-5 * max(scale, 1)
    )


@given(points, st.integers(0, 1000))
def test_least_squares_no_similarity_near_by_is_better(source: np.ndarray, seed: int) -> None:
    assume(np.ptp(source, axis=0).max() > 1)
    template = load_template("expression", 128)[: len(source)]
    source = source[: len(template)]
    assume(np.ptp(source, axis=0).max() > 1)
    try:
        best = estimate_similarity(source, template)
    except ValueError:
        assume(False)

    def error(matrix: np.ndarray) -> float:
        return float(np.sum((apply_affine(matrix, source) - template) ** 2))

    for nudge in np.random.default_rng(seed).normal(0, 1e-3, (5, 4)):
        turned = np.array([[nudge[0], -nudge[1]], [nudge[1], nudge[0]]])
        other = best + np.column_stack([turned * np.abs(best[:, :2]).max(), nudge[2:]])
        assert error(other) >= error(best) - 1e-6


@given(names, angles)
def test_never_a_reflection(name: str, angle: float) -> None:
    template = load_template(name, 128)
    swapped = apply_affine(similarity(angle, 2, (5, 7)), template[MIRROR_5])
    matrix = estimate_similarity(swapped, template)
    assert np.linalg.det(matrix[:, :2]) > 0
    assert is_mirrored(swapped, template)
    assert not is_mirrored(swapped[MIRROR_5], template)


@pytest.mark.parametrize(
    "source",
    [
        np.full((5, 2), 7.0),
        np.full((5, 2), 1234.567),
        np.array([[0, 0], [1, 1], [2, 2], [np.nan, 3], [4, 4]]),
        np.array([[0, 0], [1, 1], [2, 2], [np.inf, 3], [4, 4]]),
        np.array([[0, 0], [1, 1], [2, 2], [1e300, 3], [4, 4]]),
        np.zeros((4, 2)),
        np.zeros((5, 3)),
        np.zeros((1, 2)),
    ],
)
def test_points_that_fix_no_similarity(source: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"point|expected"):
        estimate_similarity(source, load_template("expression", 128))


def test_points_on_a_line_do_fix_one() -> None:
    line = np.array([[0, 0], [1, 2], [2, 4.0]])
    truth = similarity(1, 3, (4, 5))
    np.testing.assert_allclose(estimate_similarity(line, apply_affine(truth, line)), truth)


# ----- transformations


@given(angles, scales, shifts, points)
def test_the_inverse_maps_back(
    angle: float, scale: float, shift: tuple[float, float], some: np.ndarray
) -> None:
    matrix = similarity(angle, scale, shift)
    there = apply_affine(matrix, some)
    np.testing.assert_allclose(apply_affine(invert_affine(matrix), there), some, atol=1e-6)


def test_a_singular_matrix_has_no_inverse() -> None:
    with pytest.raises(ValueError, match="inverse"):
        invert_affine(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="inverse"):
        warp(texture(20, 20), np.array([[np.nan, 0, 0], [0, 1, 0]]), 32)


def test_five_from_68() -> None:
    face = np.stack([np.arange(68.0), 100 - np.arange(68.0)], axis=1)
    assert five_from_68(face)[:, 0].tolist() == [38.5, 44.5, 30, 48, 54]
    batch = np.stack([face, face + 1])
    np.testing.assert_allclose(five_from_68(batch)[1], five_from_68(face) + 1)
    with pytest.raises(ValueError, match="68"):
        five_from_68(face[:5])


# ----- crops


def test_identity_is_the_image() -> None:
    image = texture(64, 64)
    np.testing.assert_array_equal(warp(image, np.eye(2, 3), 64), image)
    np.testing.assert_array_equal(warp(image[..., 0], np.eye(2, 3), 64), image[..., 0])


def test_whole_pixel_shifts_are_exact_and_the_outside_is_black() -> None:
    image = texture(50, 60)
    crop = warp(image, np.array([[1, 0, 10], [0, 1, -5.0]]), 40)
    np.testing.assert_array_equal(crop[:, 10:], image[5:45, :30])
    assert not crop[:, :10].any()


def test_halving_takes_means_and_keeps_the_place() -> None:
    image = texture(96, 96)
    quarter = np.array([[0.25, 0, -0.375], [0, 0.25, -0.375]])  # centre of 4×4 → centre of 1
    expected = image.reshape(24, 4, 24, 4, 3).mean(axis=(1, 3))
    crop = warp(image, quarter, 24)
    assert np.abs(crop - expected).max() <= 2


@pytest.mark.parametrize("scale", [0.03, 0.1, 0.24, 0.3, 0.45, 0.55, 0.9, 1.7])
def test_a_point_lands_where_the_matrix_says(scale: float) -> None:
    for angle, x, y in ((0.3, 700, 500), (-1.1, 811, 433), (3.0, 655, 610)):
        image = np.zeros((1201, 1403, 3), np.uint8)
        sigma = 1.5 / scale
        yy, xx = np.mgrid[:1201, :1403]
        image[...] = (255 * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / 2 / sigma**2))[..., None]
        matrix = similarity(angle, scale, (0, 0))
        matrix[:, 2] = [30.3, 33.7] - matrix[:, :2] @ [x, y]
        crop = warp(image, matrix, 64)[..., 0].astype(float)
        crop[crop < 10] = 0
        rows, columns = np.mgrid[:64, :64]
        centre = [(crop * grid).sum() / crop.sum() for grid in (columns, rows)]
        np.testing.assert_allclose(centre, [30.3, 33.7], atol=0.05)


def test_fine_texture_becomes_gray_not_noise() -> None:
    checks = ((np.indices((900, 900)).sum(axis=0) % 2) * 255).astype(np.uint8)
    image = np.repeat(checks[..., None], 3, axis=2)
    crop = warp(image, similarity(0.1, 0.21, (20, 5)), 128).astype(float)
    inner = crop[30:110, 40:110]
    assert abs(inner.mean() - 127.5) < 2
    assert inner.std() < 6


@given(
    angle=st.floats(-0.4, 0.4),
    scale=st.sampled_from([0.6, 0.8, 1.0, 1.3]),
    x=st.floats(-8, 8),
    y=st.floats(-8, 8),
)
def test_flips_commute(angle: float, scale: float, x: float, y: float) -> None:
    image = texture(150, 171, seed=3)
    template = load_template("expression", 64)
    to_image = similarity(angle, 1 / scale, (0, 0))
    to_image[:, 2] = [85 + x, 75 + y] - to_image[:, :2] @ [31.5, 31.5]
    face = apply_affine(to_image, template)
    crop = warp(image, estimate_similarity(face, template), 64)

    flipped_face = (face * [-1, 1] + [image.shape[1] - 1, 0])[MIRROR_5]
    flipped_image = np.ascontiguousarray(image[:, ::-1])
    matrix = estimate_similarity(flipped_face, template)
    flipped_crop = warp(flipped_image, matrix, 64)
    # OpenCV interpolates on a grid of 1/32 pixel, which is not symmetric.
    assert np.abs(flipped_crop[:, ::-1].astype(int) - crop).max() <= 8


def test_crops_at_the_edge_and_beyond() -> None:
    image = texture(30, 30)
    assert not warp(image, similarity(0, 1, (5000, 0)), 32).any()
    assert warp(image, similarity(0.4, 0.02, (10, 10)), 32).any()
    one = np.full((1, 1, 3), 200, np.uint8)
    assert warp(one, similarity(0, 20, (16, 16)), 32)[16, 16].tolist() == [200] * 3


def test_sides_longer_than_opencv_warps() -> None:
    image = np.zeros((3, 40_000, 3), np.uint8)
    image[:, 35_000:] = 255
    crop = warp(image, np.array([[1, 0, -34_990], [0, 1, 0.0]]), 32)
    assert crop[1, 9].tolist() == [0] * 3
    assert crop[1, 10].tolist() == [255] * 3
