"""Regions of Action Units on the mean face, and shares of differences computed by hand."""

import numpy as np
import pytest

from faceprep.core.landmarks import flip_points
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.faces.action_units.face_shape import mean_face
from faceprep.metrics.au_regions import (
    AU_REGIONS,
    MARGIN,
    REGIONS,
    concentration,
    difference,
    masks_of,
    region_mask,
)

SIDE = 128
EYES = 40  # distance between the centres of the eyes, pixels
POINTS = np.round(mean_face()[:, :2] * EYES + 64)


def holds(name: str, x: float, y: float) -> bool:
    return bool(region_mask(POINTS, [name], SIDE)[round(y), round(x)])


def test_every_au_has_regions_and_every_region_an_au():
    assert set(AU_REGIONS) == set(INTENSITY_AUS)
    assert {name for names in AU_REGIONS.values() for name in names} == set(REGIONS)


def test_regions_lie_where_their_names_say():
    mouth, chin, brow = POINTS[48:68].mean(0), POINTS[8], POINTS[19]
    assert holds("mouth", *mouth)
    assert holds("chin", *chin)
    assert not holds("mouth", *chin)
    assert holds("brows", *brow)
    above = (brow[0], brow[1] - 0.5 * EYES)
    assert holds("forehead", *above)
    assert not holds("brows", *above)
    assert not holds("forehead", *mouth)
    assert holds("lids", *POINTS[36:42].mean(0))
    assert not holds("lids", *POINTS[27])  # between the eyes


def test_a_region_is_wider_than_its_points_by_the_margin():
    lids = region_mask(POINTS, ["lids"], SIDE)
    corner = POINTS[36]
    assert lids[int(corner[1]), int(corner[0] - 0.9 * MARGIN * EYES)]
    assert not lids[int(corner[1]), int(corner[0] - MARGIN * EYES - 2)]


@pytest.mark.parametrize("name", REGIONS)
def test_a_mirrored_face_has_mirrored_regions(name):
    mask, mirrored = (
        region_mask(points, [name], SIDE) for points in (POINTS, flip_points(POINTS, SIDE))
    )
    # Up to the rounding of the forehead and of edges.
    assert (mask[:, ::-1] != mirrored).mean() < 0.01
    assert 0.005 < mask.mean() < 0.5


def test_a_part_that_moves_out_of_its_region_counts():
    lower = POINTS.copy()
    lower[48:68, 1] += 20
    before, both = (
        masks_of(POINTS[None], after[None], [["AU25"]], SIDE)[0] for after in (POINTS, lower)
    )
    assert before.sum() < both.sum()
    assert both[int(lower[57, 1]), int(lower[57, 0])]
    assert not masks_of(POINTS[None], POINTS[None], [[]], SIDE).any()


def test_shares_by_hand():
    masks = np.array([[[True, False], [False, False]]])
    found = concentration(np.array([[[3.0, 1.0], [0.0, 0.0]]]), masks)
    assert (found.inside, found.area) == (0.75, 0.25)
    assert concentration(np.ones((1, 2, 2)), masks).inside == 0.25  # even change: the area
    assert np.isnan(concentration(np.zeros((1, 2, 2)), masks).inside)


def test_differences_are_means_over_the_channels():
    sources = np.full((1, 1, 1, 3), 100, np.uint8)
    edits = np.array([[[[90, 100, 120]]]], np.uint8)
    assert difference(edits, sources).tolist() == [[[10.0]]]
