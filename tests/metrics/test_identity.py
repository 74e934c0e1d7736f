"""Identity measures against closed forms."""

import numpy as np
import pytest
from torch import nn

from faceprep.metrics.identity import (
    Diversity,
    below_fifth,
    embed,
    pair_distances,
    percentiles,
    rank1,
    real_spread,
    spread,
)


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


def test_rank1_compares_subjects_not_photographs():
    sources = np.array([[0.0], [1.0], [10.0]])
    subjects = np.array(["a", "a", "b"])
    edits = np.array([[0.9], [9.0], [9.5]])
    assert rank1(edits, np.array([0, 0, 2]), sources, subjects) == pytest.approx(2 / 3)
    assert np.isnan(rank1(edits, np.array([0, 0, 1]), sources[:2], subjects[:2]))
    assert np.isnan(rank1(edits[:0], np.zeros(0, int), sources, subjects))


def test_crops_reach_the_network_in_minus_one_to_one():
    class Mean(nn.Module):
        def embed(self, x):
            assert x.shape[1:] == (3, 8, 8)
            return x.mean(dim=(2, 3))

    images = np.zeros((40, 8, 8, 3), np.uint8)
    images[:, :, :, 0] = 255
    assert embed(Mean(), images) == pytest.approx(np.tile([1.0, -1.0, -1.0], (40, 1)))
    assert len(embed(Mean(), images[:0])) == 0


def test_spread_is_the_mean_distance_of_pairs():
    assert spread(np.array([[0.0], [1.0], [3.0]])) == pytest.approx(2)
    assert spread(np.ones((5, 2))) == 0
    assert np.isnan(spread(np.ones((1, 2))))
    embeddings, subjects = np.array([[0.0], [1.0], [3.0]]), np.array(["a", "a", "b"])
    assert real_spread(embeddings, subjects) == pytest.approx(2.5)
    assert np.isnan(real_spread(embeddings[:2], subjects[:2]))
    assert np.isnan(Diversity("anger", 3, 0.4, np.nan).share)
    assert Diversity("anger", 3, 0.4, 0.8).share == 0.5
