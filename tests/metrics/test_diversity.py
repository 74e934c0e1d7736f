"""Spread of new identities against closed forms."""

import numpy as np
import pytest

from faceprep.metrics.diversity import Diversity, real_spread, spread


def test_spread_is_the_mean_distance_of_pairs():
    assert spread(np.array([[0.0], [1.0], [3.0]])) == pytest.approx(2)
    assert spread(np.ones((5, 2))) == 0
    assert np.isnan(spread(np.ones((1, 2))))
    embeddings, subjects = np.array([[0.0], [1.0], [3.0]]), np.array(["a", "a", "b"])
    assert real_spread(embeddings, subjects) == pytest.approx(2.5)
    assert np.isnan(real_spread(embeddings[:2], subjects[:2]))
    assert np.isnan(Diversity("anger", 3, 0.4, np.nan).share)
    assert Diversity("anger", 3, 0.4, 0.8).share == 0.5
