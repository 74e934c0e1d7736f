import numpy as np
import pytest
from PIL import Image, ImageDraw

from faceprep.report.sheets.drawing import (
    PAPER,
    draw_landmarks,
    fit,
    paint_heatmap,
    placeholder,
    rounded,
)
from faceprep.report.sheets.text import printable, shorten, width_of, wrap, write


def ink(image: Image.Image, paper: tuple[int, int, int]) -> np.ndarray:
    return np.abs(np.asarray(image).astype(int) - paper).max(axis=-1) > 20


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller–José", "Muller-Jose"),
        ("20×20 → 5", "20x20 > 5"),
        ("中文", "??"),
        ("a…b·c", "a…b·c"),
    ],
)
def test_only_letters_of_the_typeface_are_written(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_shortened_text_fits_and_keeps_the_end_asked_for() -> None:
    text = "oulu-casia/P001/Surprise/017"
    for width in (12, 40, 90):
        assert width_of(shorten(text, 12, width), 12) <= width
    assert shorten(text, 12, 500) == text
    assert shorten(text, 12, 90).startswith("oulu")
    assert shorten(text, 12, 90, keep_end=True).endswith("017")


def test_wrapped_lines_fit_and_lose_no_word_but_at_the_end() -> None:
    text = "too large: 20000x20000 pixels, the limit is 100000000"
    lines = wrap(text, 12, 110, 9)
    assert " ".join(lines) == text
    assert all(width_of(line, 12) <= 110 for line in lines)
    assert len(wrap(text, 12, 110, 2)) == 2
    assert wrap("", 12, 110, 2) == []


def test_anchors_put_the_text_left_of_around_or_right_of_the_point() -> None:
    for anchor, columns in (("la", (100, 200)), ("ma", (60, 140)), ("ra", (0, 100))):
        image = Image.new("RGB", (200, 30), PAPER)
        write(ImageDraw.Draw(image), (100, 5), "two words", 12, anchor=anchor)
        found = np.flatnonzero(ink(image, PAPER).any(axis=0))
        assert columns[0] <= found.min() <= found.max() <= columns[1]


@pytest.mark.parametrize("shape", [(100, 50, 3), (50, 100), (1, 1, 3), (1, 2000, 3)])
def test_fit_keeps_the_proportions_and_centres(shape: tuple[int, ...]) -> None:
    square, scale, (left, top) = fit(np.zeros(shape, np.uint8), 80)
    assert square.size == (80, 80)
    assert scale == pytest.approx(80 / max(shape[:2]))
    black = ~np.asarray(square).any(axis=-1)
    assert black.sum() == pytest.approx(
        max(1, shape[0] * scale) * max(1, shape[1] * scale), rel=0.05
    )
    assert black[round(top), round(left)]


def test_landmarks_are_drawn_where_they_are() -> None:
    points = np.full((68, 2), 20.0)
    points[8] = (90.0, 100.0)  # the chin alone elsewhere
    square = Image.new("RGB", (256, 256), (90, 90, 90))
    drawn = ink(draw_landmarks(square, points, 2.0), (90, 90, 90))
    # The centre of a pixel (x, y) is at (x + 0.5) · scale.
    assert drawn[201, 181]
    assert drawn[41, 41]
    assert not drawn[210:, :].any()


def test_a_heatmap_is_bright_on_its_landmarks() -> None:
    plane = np.zeros((64, 64), np.uint8)
    plane[32, 32] = 255
    picture = np.asarray(paint_heatmap(plane, 128)).astype(int).sum(axis=-1)
    assert picture.argmax() // 128 in range(62, 68)
    assert picture[0, 0] < 100


def test_placeholder_and_corners() -> None:
    assert (
        ink(placeholder(100, "is empty"), (233, 234, 230)).sum()
        > ink(placeholder(100, ""), (233, 234, 230)).sum()
    )
    cut = np.asarray(rounded(Image.new("RGB", (40, 40), (0, 0, 0)), 6))
    assert tuple(cut[0, 0]) == PAPER
    assert tuple(cut[20, 0]) == (0, 0, 0)
