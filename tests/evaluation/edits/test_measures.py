"""The numbers behind an edit's evaluation against closed forms."""

import numpy as np
import pytest
import torch
from builders.edits import CLASSES, draw_people
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from faceprep.core.action_units import INTENSITY_AUS
from faceprep.core.errors import UsageError
from faceprep.core.vocabulary import EXPRESSIONS
from faceprep.faces.action_units.face_shape import mean_face
from faceprep.faces.action_units.measures import MEASURES
from faceprep.metrics.diversity import Diversity, real_spread, spread
from faceprep.metrics.expression_classifier import network_classifier
from faceprep.metrics.expression_classifier.aligned_faces import (
    AlignedFaces,
    LabelledFaces,
)
from faceprep.metrics.expression_classifier.base import log_odds, normalise
from faceprep.metrics.expression_classifier.landmark_classifier import LandmarkClassifier
from faceprep.metrics.expression_classifier.network_classifier import NetworkClassifier
from faceprep.metrics.identity import (
    below_fifth,
    embed,
    pair_distances,
    percentiles,
    rank1,
)
from faceprep.metrics.intensity import (
    EXPRESSION_AUS,
    EXPRESSION_MEASURES,
    IntensityMap,
    correlate,
    expression_aus,
    expression_measure,
    fit_intensity_map,
    maps_from_json,
    spearman,
)
from faceprep.metrics.leaks import refuse_leak
from faceprep.metrics.realism import Texture, kid, sharpness

levels = (0.2, 0.4, 0.6, 0.8, 1.0)


# Identity


def test_percentiles_count_the_pairs_that_are_nearer():
    different = np.array([0.2, 0.4, 0.6, 0.8])
    found = percentiles(np.array([0.0, 0.2, 0.3, 0.8, 1.0]), different)
    assert found.tolist() == [0, 0, 25, 75, 100]


def test_below_fifth_is_the_share_under_the_fifth_percentile():
    different = np.linspace(0, 1, 101)
    assert below_fifth(np.array([0.0, 0.049, 0.05, 0.5]), different) == 0.5
    assert np.isnan(below_fifth(np.zeros(0), different))
    assert np.isnan(below_fifth(np.zeros(3), np.zeros(0)))


def test_pairs_are_of_one_person_or_of_two():
    embeddings = np.array([[0.0], [1.0], [10.0], [13.0]])
    subjects = np.array(["a", "a", "b", "b"])
    assert pair_distances(embeddings, subjects, same=True).tolist() == [1, 3]
    assert pair_distances(embeddings, subjects, same=False).tolist() == [9, 10, 12, 13]


def test_rank1_asks_for_the_person_not_for_the_photograph():
    sources = np.array([[0.0], [1.0], [10.0]])
    subjects = np.array(["a", "a", "b"])
    edits = np.array([[0.9], [9.0], [9.5]])
    assert rank1(edits, np.array([0, 0, 2]), sources, subjects) == pytest.approx(2 / 3)
    assert np.isnan(rank1(edits, np.array([0, 0, 1]), sources[:2], subjects[:2]))
    assert np.isnan(rank1(edits[:0], np.zeros(0, int), sources, subjects))


def test_crops_reach_the_network_as_it_wants_them():
    class Mean(nn.Module):
        def embed(self, x):
            assert x.shape[1:] == (3, 8, 8)
            return x.mean(dim=(2, 3))

    images = np.zeros((40, 8, 8, 3), np.uint8)
    images[:, :, :, 0] = 255
    assert embed(Mean(), images) == pytest.approx(np.tile([1.0, -1.0, -1.0], (40, 1)))
    assert len(embed(Mean(), images[:0])) == 0


# Realism


def test_kid_of_one_distribution_is_zero_on_average_at_any_size():
    random = np.random.default_rng(0)
    for n in (5, 40):
        values = [
            kid(random.normal(size=(n, 4)), random.normal(size=(30, 4)), subsets=0).value
            for _ in range(400)
        ]
        error = np.std(values) / np.sqrt(len(values))
        assert abs(np.mean(values)) < 4 * error
        assert min(values) < 0


def test_kid_equals_its_closed_form_for_shifted_means():
    # E of (x·y / D + 1)³ with x = y = constants has no variance: MMD² is exact.
    a, b = np.full((6, 2), 1.0), np.full((7, 2), 3.0)
    assert kid(a, b, subsets=0).value == pytest.approx((1 + 1) ** 3 + (9 + 1) ** 3 - 2 * 4**3)


def test_kid_sees_a_set_without_variety():
    random = np.random.default_rng(1)
    real = random.normal(size=(200, 8))
    one = np.tile(random.normal(size=8), (50, 1))
    assert kid(one, real, subsets=0).value > 10 * kid(random.normal(size=(50, 8)), real).value


def test_kid_of_subsets_is_repeatable_and_small_sets_have_none():
    random = np.random.default_rng(2)
    a, b = random.normal(size=(20, 3)), random.normal(size=(30, 3))
    assert kid(a, b, subsets=50, size=10) == kid(a, b, subsets=50, size=10)
    assert kid(a, b, subsets=50, size=10).deviation > 0
    assert np.isnan(kid(a[:1], b).value)
    assert (kid(a[:1], b).made, kid(a[:1], b).real) == (1, 30)


def test_texture_has_the_scale_of_real_faces():
    faces = draw_people(0, 4)
    features = Texture.of(faces.landmark_hog)(faces.landmark_hog)
    assert features.mean(axis=0) == pytest.approx(np.zeros(features.shape[1]), abs=1e-3)
    assert np.mean(features**2) == pytest.approx(1, rel=1e-3)
    same = AlignedFaces(np.repeat(faces.images[:1], 3, axis=0))
    with pytest.raises(UsageError, match="all the same"):
        Texture.of(same.landmark_hog)


def test_sharpness_falls_with_blur():
    image = np.random.default_rng(0).integers(0, 255, (1, 32, 32, 3), np.uint8)
    blurred = (image[:, ::2, ::2].repeat(2, 1).repeat(2, 2)).astype(np.uint8)
    assert sharpness(blurred) < sharpness(image)
    assert sharpness(np.full((2, 8, 8, 3), 7, np.uint8)) == 0
    assert np.isnan(sharpness(image[:0]))


# Diversity


def test_spread_is_the_mean_distance_of_pairs():
    assert spread(np.array([[0.0], [1.0], [3.0]])) == pytest.approx(2)
    assert spread(np.ones((5, 2))) == 0
    assert np.isnan(spread(np.ones((1, 2))))
    embeddings, subjects = np.array([[0.0], [1.0], [3.0]]), np.array(["a", "a", "b"])
    assert real_spread(embeddings, subjects) == pytest.approx(2.5)
    assert np.isnan(real_spread(embeddings[:2], subjects[:2]))
    assert np.isnan(Diversity("anger", 3, 0.4, np.nan).share)
    assert Diversity("anger", 3, 0.4, 0.8).share == 0.5


# Intensity


def test_spearman_shares_the_ranks_of_ties():
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: Pearson by hand.
    assert spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert spearman([1, 2, 3], [2, 20, 200]) == 1
    assert np.isnan(spearman([1, 2, 3], [5, 5, 5]))


@given(arrays(np.float64, (7,), elements=st.integers(-5, 5)), st.integers(0, 2**31))
def test_spearman_knows_only_the_order(values, seed):
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


def test_people_differ_so_pooling_loses():
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


def test_maps_survive_json_and_strangers_are_refused():
    one = fit_intensity_map([0, 0.5, 1], np.array([0.0, 0.8, 1.0]))
    assert maps_from_json({"anger": one.to_json()}) == {"anger": one}
    for wrong in (
        {"anger": {"asked": [0, 1]}},
        {"anger": {"asked": [0, 1], "told": [0, "x"]}},
        {"anger": {"asked": [0, 1], "told": [1, 0]}},
        {"anger": {"asked": [0, 0.5, 1], "told": [0, 1]}},
        {"anger": {"asked": [0, float("nan"), 1], "told": [0, 0.5, 1]}},
        {"anger": 3},
    ):
        with pytest.raises(UsageError, match="calibration"):
            maps_from_json(wrong)


# Judges


def test_log_odds_and_probabilities():
    p = normalise(np.log(np.array([[2.0, 6.0, 2.0]])))
    assert np.exp(p) == pytest.approx(np.array([[0.2, 0.6, 0.2]]))
    assert log_odds(p, 1) == pytest.approx([np.log(0.6 / 0.4)])
    assert np.isfinite(log_odds(np.array([[0.0, -1000.0]]), 0)).all()


def test_a_judge_does_not_care_which_expression_is_frequent():
    faces = draw_people(0, 10)
    rare = faces.take((faces.expressions != "anger") | (faces.subjects < "S004"))
    some = draw_people(100, 5)
    read = LandmarkClassifier.fit(rare, CLASSES).log_probabilities(some)
    recall = (read.argmax(1) == 0)[some.expressions == "anger"].mean()
    assert recall >= 0.6


def test_mirror_images_are_read_the_same():
    faces = draw_people(0, 6)
    judge = LandmarkClassifier.fit(faces, CLASSES)
    mirrored = AlignedFaces(np.ascontiguousarray(faces.images[:, :, ::-1]))
    here, there = judge.log_probabilities(faces), judge.log_probabilities(mirrored)
    assert (here.argmax(1) == there.argmax(1)).mean() > 0.8
    assert judge.log_probabilities(faces.take(np.zeros(18, bool))).shape == (0, 3)


@pytest.mark.parametrize("train", [LandmarkClassifier.fit, NetworkClassifier.fit])
def test_a_judge_needs_two_expressions_and_faces_of_each(train):
    faces = draw_people(0, 2)
    with pytest.raises(UsageError, match="no training face shows fear"):
        train(faces, (*CLASSES, "fear"))
    with pytest.raises(UsageError, match="one expression only"):
        train(faces, ("anger",))


def test_the_network_learns_and_repeats_without_touching_the_random_state(monkeypatch):
    monkeypatch.setattr(network_classifier, "STEPS", 60)
    faces = draw_people(0, 8)
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    judge = NetworkClassifier.fit(faces, CLASSES)
    assert torch.equal(torch.random.get_rng_state(), before)
    read = judge.log_probabilities(faces)
    truth = [CLASSES.index(name) for name in faces.expressions]
    assert (read.argmax(1) == truth).mean() > 0.7
    assert np.exp(read).sum(1) == pytest.approx(np.ones(24))
    again = NetworkClassifier.fit(faces, CLASSES)
    assert (again.log_probabilities(faces) == read).all()
    assert judge.subjects == frozenset(faces.subjects)


# Faces


def test_faces_have_to_fit_together():
    images = np.zeros((2, 8, 8, 3), np.uint8)
    names = np.array(["a", "b"])
    with pytest.raises(ValueError, match="uint8 crops"):
        AlignedFaces(images.astype(np.float32))
    with pytest.raises(ValueError, match="uint8 crops"):
        AlignedFaces(images[:, :4])
    with pytest.raises(ValueError, match="of 2 faces"):
        LabelledFaces(images, expressions=names, subjects=names[:1])


def test_what_is_known_of_faces_goes_along_with_them():
    faces = draw_people(0, 2)
    faces.prepare()
    some = faces.take(np.array([4, 1]))
    fresh = AlignedFaces(faces.images[[4, 1]])
    assert some.landmark_hog.mouth == pytest.approx(fresh.landmark_hog.mouth, abs=1e-5)
    assert (some.mirrored_landmark_hog.points == faces.mirrored_landmark_hog.points[[4, 1]]).all()
    assert some.expressions.tolist() == faces.expressions[[4, 1]].tolist()


def test_a_leak_names_who_it_is():
    refuse_leak(["a", "b"], ["c"], "the training")
    with pytest.raises(UsageError, match="the training saw subject b and 1 more"):
        refuse_leak(["a", "b", "c"], ["c", "b"], "the training")
