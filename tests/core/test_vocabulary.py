import pytest

from faceprep.core.vocabulary import did_you_mean, expression_of, nearest, plural


@pytest.mark.parametrize(
    ("word", "expression"),
    [("Happy", "happiness"), ("ANGER", "anger"), (" sad ", "sadness"), ("calm", None), ("0", None)],
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
