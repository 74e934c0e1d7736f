import pytest

from faceprep.core.vocabulary import (
    choice_hint,
    did_you_mean,
    expression_of,
    meant,
    nearest,
    plural,
)


@pytest.mark.parametrize(
    ("word", "expression"),
    [
        ("Happy", "happiness"),
        ("ANGER", "anger"),
        (" sad ", "sadness"),
        ("joy", "happiness"),
        ("calm", None),
        ("0", None),
    ],
)
def test_words_for_expressions(word, expression):
    assert expression_of(word) == expression


def test_a_count_has_its_noun() -> None:
    assert [plural(count, "face") for count in (0, 1, 2000)] == ["0 faces", "1 face", "2,000 faces"]


def test_a_word_is_found_by_its_meaning_or_its_spelling() -> None:
    assert nearest("happy", ["anger", "happiness"]) == "happiness"
    assert nearest("flip", ["plain", "flips"]) == "flips"
    assert did_you_mean("flip", ["plain", "flips"]) == "did you mean flips?"
    assert nearest("mixup", ["plain", "flips"]) is None
    assert did_you_mean("mixup", ["plain", "flips"]) is None


DATASETS = ("oulu-casia", "ck-plus", "celeba", "folder", "table")


@pytest.mark.parametrize(
    ("word", "dataset"),
    [("CK+", "ck-plus"), ("ck_plus", "ck-plus"), ("CK+48", "ck-plus"), ("Oulu CASIA", "oulu-casia"),
     ("CelebA", "celeba"), ("CelebA-HQ", "celeba"), ("ck", "ck-plus"), ("oulu", "oulu-casia"),
     ("c", None), ("", None), ("kdef", None)],
)  # fmt: skip
def test_a_dataset_may_be_spelled_otherwise(word: str, dataset: str | None) -> None:
    assert meant(word, DATASETS) == dataset


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("gpu", ("auto", "cpu")),
        ("nonsense", DATASETS),
        ("nothing", DATASETS),
        ("happy", ("fear", "anger")),
    ],
)
def test_unlike_words_are_not_suggested(word: str, known: tuple[str, ...]) -> None:
    assert nearest(word, known) is None
    assert choice_hint("flag", word, known) == f"one of: {', '.join(known)}"
