from typing import Any

import pytest

from faceprep.workspace.people import unknown_people


def summary(unknown: int | None) -> dict[str, Any]:
    people = {} if unknown is None else {"people": {"source": None, "unknown": unknown}}
    return {**people, "splits": {"train": {"frames": 1500}, "test": {"frames": 500}}}


def test_unknown_people_are_told() -> None:
    text = unknown_people(summary(2000))
    assert text is not None
    assert "the split and the folds are by picture" in text
    assert (unknown_people(summary(12)) or "").startswith("12 of 2,000 frames name no person")


@pytest.mark.parametrize("unknown", [0, None])
def test_known_people_and_selections_without_a_record_are_silent(unknown: int | None) -> None:
    assert unknown_people(summary(unknown)) is None
    assert unknown_people({}) is None
