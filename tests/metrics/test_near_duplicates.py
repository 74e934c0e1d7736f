"""Synthetic faces close to test faces are counted and named."""

import numpy as np
import pytest

from faceprep.metrics.near_duplicates import Group, find_near_duplicates


def group(copies: int = 0) -> Group:
    random = np.random.default_rng(0)
    test, training, made = (random.normal(size=(count, 16)) for count in (40, 80, 200))
    made[:copies] = test[:copies] + 0.01
    names = [f"m{i}" for i in range(200)], [f"t{i}" for i in range(40)]
    return Group(made, training, test, *names)


def test_faces_distributed_like_training_faces_are_not_suspicious() -> None:
    found = find_near_duplicates([group()], "φ")
    assert found.by_chance == pytest.approx(200 / 81)
    assert found.suspicious <= 10
    assert found.synthetic.median == pytest.approx(found.training.median, rel=0.1)


def test_planted_copies_of_test_faces_are_counted_and_named() -> None:
    found = find_near_duplicates([group(copies=30), group()], "φ")
    assert found.suspicious >= 30
    assert {(pair.synthetic, pair.test) for pair in found.closest} <= {
        (f"m{i}", f"t{i}") for i in range(30)
    }
    assert found.synthetic.smallest == pytest.approx(0.04, abs=1e-6)
    assert found.synthetic.faces == 400
