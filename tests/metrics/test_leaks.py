"""Test subjects that were seen before the test are named."""

import pytest

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.metrics.leaks import refuse_leak, refuse_leaks, subjects_of


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
def test_metadata_without_subjects_are_refused(record: dict) -> None:
    with pytest.raises(FaceprepError, match="the generator does not name the subjects it saw"):
        subjects_of(record, "the generator", "train it")
    assert subjects_of({"subjects": ["A"]}, "the generator", "") == ["A"]


def test_a_leak_names_the_subject():
    refuse_leak(["a", "b"], ["c"], "the training")
    with pytest.raises(UsageError, match="the training saw subject b and 1 more"):
        refuse_leak(["a", "b", "c"], ["c", "b"], "the training")
