"""Measured intensity of expressions against closed forms."""

import numpy as np
import pytest
from builders.edits import CLASSES, MadeGenerator, draw_people, true_expression
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faceprep.core.vocabulary import EXPRESSIONS, INTENSITY_AUS
from faceprep.faces.action_units.face_shape import MEASURES, mean_face
from faceprep.generators.editor import Editor, IntensityMap
from faceprep.metrics.intensity import (
    EXPRESSION_AUS,
    EXPRESSION_MEASURES,
    calibrate,
    correlate,
    expression_aus,
    expression_measure,
    fit_intensity_map,
    spearman,
)

levels = (0.2, 0.4, 0.6, 0.8, 1.0)


def test_spearman_shares_the_ranks_of_ties():
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: Pearson by hand.
    assert spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert spearman([1, 2, 3], [2, 20, 200]) == 1
    assert np.isnan(spearman([1, 2, 3], [5, 5, 5]))


@given(arrays(np.float64, (7,), elements=st.integers(-5, 5)), st.integers(0, 2**31))
def test_spearman_depends_on_the_order_only(values, seed):
    other = np.random.default_rng(seed).normal(size=7)
    found = spearman(values, other)
    assert spearman(np.exp(values), other) == pytest.approx(found, nan_ok=True)
    assert spearman(values, -other) == pytest.approx(-found, nan_ok=True)


def test_a_face_that_does_not_change_counts_as_no_growth():
    measured = np.stack([np.arange(5.0), np.full(5, 2.0)], axis=1)
    assert correlate(levels, measured).within == pytest.approx(0.5)
    assert correlate(levels, np.full((5, 3), 1.0)).within == 0
    assert correlate(levels, np.full((5, 3), 1.0)).pooled == 0
    assert np.isnan(correlate(levels, np.zeros((5, 0))).within)


def test_pooled_correlation_is_lower_where_subjects_differ():
    measured = np.arange(5.0)[:, None] + 100 * np.arange(4)
    found = correlate(levels, measured)
    assert found.within == pytest.approx(1)
    assert 0 < found.pooled < 0.5


def test_every_measured_name_exists():
    assert {*EXPRESSION_AUS} | {*EXPRESSION_MEASURES} == {*EXPRESSIONS}
    assert {au for aus in EXPRESSION_AUS.values() for au in aus} <= {*INTENSITY_AUS}
    assert {name for name, _ in EXPRESSION_MEASURES.values()} <= {*MEASURES}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_unchanged_face_has_no_new_aus(expression):
    face = mean_face()[None, :, :2] * 40 + 64
    found = expression_aus(face, face, expression)
    assert found == pytest.approx(np.zeros(1), abs=0.3)


def test_lifted_corners_are_happiness_and_the_way_back_is_neutral():
    rest = mean_face()[None, :, :2] * 40 + 64
    smile = rest.copy()
    smile[:, [48, 54, 60, 64], 1] -= 6
    smile[:, [48, 60], 0] -= 4
    smile[:, [54, 64], 0] += 4
    assert expression_aus(smile, rest, "happiness") > expression_aus(rest, rest, "happiness") + 0.5
    assert expression_aus(rest, smile, "neutral") > expression_aus(smile, smile, "neutral") + 0.1
    assert expression_measure(smile, "happiness") > expression_measure(rest, "happiness")
    assert expression_aus(smile, rest, "boredom") is None
    assert expression_measure(smile, "boredom") is None


@given(arrays(np.float64, (11,), elements=st.floats(-3, 3)))
def test_a_map_rises_whatever_was_measured(measured):
    found = fit_intensity_map(np.linspace(0, 1, 11).tolist(), measured)
    told = [found(level) for level in np.linspace(0, 1, 41)]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 1)


def test_a_map_inverts_the_response():
    grid = np.linspace(0, 1, 101)
    found = fit_intensity_map(grid.tolist(), grid**2)
    for level in (0.1, 0.25, 0.5, 0.9):
        assert found(level) == pytest.approx(np.sqrt(level), abs=0.01)
    assert fit_intensity_map([0, 0.5, 1], np.ones(3)) == IntensityMap()
    assert fit_intensity_map([0, 0.5, 1], np.array([3.0, 2.0, 1.0])) == IntensityMap()
    assert fit_intensity_map([0, 0.5, 1], np.array([0.0, np.nan, 1.0])) == IntensityMap()
    with pytest.raises(ValueError, match="rise from 0 to 1"):
        fit_intensity_map([0.1, 1], np.ones(2))


def test_a_calibration_evens_out_a_generator_that_jumps():
    people = draw_people(0, 4)
    straight = true_expression(people)
    late = MadeGenerator(lambda x, asked, strength: straight._edit(x, asked, strength**4))
    maps = calibrate(Editor(late), people, steps=6)
    assert set(maps) == set(CLASSES)
    # Little happens at first, so more has to be asked for.
    assert all(one(0.5) > 0.65 for one in maps.values())
    told = [maps["happiness"](level) for level in np.linspace(0, 1, 9)]
    assert told == sorted(told)
