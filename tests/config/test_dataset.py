import pytest

from faceprep.config.record import Record
from faceprep.config.sources import parse_assignment, resolve
from faceprep.core.errors import UsageError


def test_none_is_a_naming_and_a_meaning_of_words():
    given = [parse_assignment(f"select.{text}") for text in ("naming=none", "words.x=none")]
    flags = {key: (value, "--set") for key, value in given}
    select = resolve(flags=flags, environment={}).config.select
    assert (select.naming, select.words) == ("none", {"x": None})


@pytest.mark.parametrize("word", ["CK+", "ck_plus", "CK+48"])
def test_other_spellings_of_a_dataset_are_that_dataset(word: str) -> None:
    config = resolve(flags={"select.dataset": (word, "--dataset")}, environment={}).config
    assert (config.select.dataset, config.name) == ("ck-plus", "ck-plus")
    recorded = Record({"select.dataset": "ck-plus", "select.root": "/data", "select.folds": 3})
    assert recorded.base({"select.dataset": word})["select.folds"] == 3


@pytest.mark.parametrize(("test", "val"), [(0.5, 0.5), (0.9, 0.2)])
def test_fractions_leave_people_to_train_on(test: float, val: float) -> None:
    flags = {"select.test_fraction": (test, "--set"), "select.val_fraction": (val, "--set")}
    with pytest.raises(UsageError, match="leave nobody to train on"):
        resolve(flags=flags, environment={})
