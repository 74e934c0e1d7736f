"""Pictures of the parts of an edit."""

import numpy as np

from faceprep.report.sheets.parts import caption_of, draw_flow, picture_of

GRAY = np.full((32, 32, 3), 100, np.uint8)


def test_a_weight_is_gray_and_colours_are_an_image() -> None:
    weight = np.stack([np.linspace(0, 1, 32, dtype=np.float32)] * 32)[None]
    picture = picture_of(weight, GRAY)
    assert (picture[..., 0] == picture[..., 2]).all()
    assert (picture[0, [0, -1], 0] == [0, 255]).all()
    assert caption_of(weight) == "mean 0.50"
    colour = np.stack([np.full((32, 32), level, np.float32) for level in (-1, 0, 1)])
    assert (picture_of(colour, GRAY)[5, 5] == [0, 128, 255]).all()
    assert caption_of(colour) == ""


def test_arrows_point_where_pixels_move() -> None:
    flow = np.zeros((2, 32, 32), np.float32)
    flow[0, :, 16:] = 3.0  # the right half samples from its right, so it moves to the left
    picture = draw_flow(GRAY, flow)
    yellow = (picture[..., 0] > 200) & (picture[..., 2] < 120)
    left, right = yellow[:, :256].sum(), yellow[:, 256:].sum()
    assert right > 3 * left > 0
    assert caption_of(flow) == "up to 3.0 px"
    # The head of an arrow is broader than its tail: it lies at the left end.
    step = 512 / 12
    cell = yellow[:, round(9.5 * step) : round(10.5 * step)].sum(axis=0)
    assert cell[: len(cell) // 2].sum() > cell[len(cell) // 2 :].sum()
    assert caption_of(0 * flow) == "up to 0.0 px"
    assert draw_flow(GRAY, 0 * flow).shape == (512, 512, 3)
