"""Nobody of the test is known beforehand, and copies of them are seen."""

import numpy as np
import pytest

from faceprep.core.errors import FaceprepError
from faceprep.metrics.leaks import refuse_leaks, subjects_of
from faceprep.metrics.near_duplicates import Group, find_near_duplicates


def test_a_test_subject_is_named_with_what_saw_it() -> None:
    refuse_leaks(["d/A", "d/B"], {"the generator": ["d/C"], "early stopping": []})
    with pytest.raises(FaceprepError, match=r"the generator saw test subjects d/A, d/B ") as caught:
        refuse_leaks(
            ["d/A", "d/B"], {"the generator": ["d/B", "d/A", "d/C"]}, {"the generator": "x"}
        )
    assert (caught.value.hint, caught.value.exit_code) == ("x", 1)
    with pytest.raises(FaceprepError, match="S4 and 5 more"):
        refuse_leaks([f"S{i}" for i in range(10)], {"it": [f"S{i}" for i in range(10)]})


@pytest.mark.parametrize("record", [{}, {"subjects": None}, {"subjects": "A"}, {"subjects": [1]}])
def test_who_does_not_say_whom_it_saw_is_not_trusted(record: dict) -> None:
    with pytest.raises(FaceprepError, match="the generator does not say whom it saw"):
        subjects_of(record, "the generator", "train it")
    assert subjects_of({"subjects": ["A"]}, "the generator", "") == ["A"]


def group(copies: int = 0) -> Group:
    random = np.random.default_rng(0)
    test, training, made = (random.normal(size=(count, 16)) for count in (40, 80, 200))
    made[:copies] = test[:copies] + 0.01
    names = [f"m{i}" for i in range(200)], [f"t{i}" for i in range(40)]
    return Group(made, training, test, *names)


def test_faces_that_lie_like_training_faces_are_not_suspicious() -> None:
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
