import pytest

from faceprep.core.vocabulary import EXPRESSIONS
from faceprep.datasets.lexicon import _data, _tokens, fold, lexicon, number_of, schemes


def test_no_word_means_two_expressions():
    meanings: dict[str, str] = {}
    for expression, text in _data()["words"].items():
        for word in text.split():
            assert meanings.setdefault("".join(_tokens(word)), expression) == expression, word
    assert set(meanings.values()) == set(EXPRESSIONS)
    assert "" not in lexicon()


def test_a_known_word_is_found_under_its_folded_form():
    assert all(fold(word) == word or word in _data()["fillers"] for word in lexicon())


def test_schemes_have_expressions_and_sources():
    for scheme, entry in zip(schemes(), _data()["schemes"], strict=True):
        assert set(scheme.codes.values()) <= {*EXPRESSIONS, None}
        assert entry["source"]
        assert scheme.named_by(f"/data/{scheme.places[0]}/labels.csv")


@pytest.mark.parametrize(
    ("word", "number"),
    [("3", 3), ("3.0", 3), ("03", 3), (" 3,0 ", 3), ("-1", -1), ("class_3", 3), ("3.5", None),
     ("P3", None), ("face", None), ("", None), ("1_happy", None)],
)  # fmt: skip
def test_numbers(word, number):
    assert number_of(word) == number
