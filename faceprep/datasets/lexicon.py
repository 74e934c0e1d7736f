"""Look up words, codes and numbers that name an expression, in several languages."""

import difflib
import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from faceprep.core.vocabulary import EXPRESSION_SYNONYMS, EXPRESSIONS

_NUMBER = re.compile(r"[+-]?\d{1,9}([.,]0*)?")
_CODE = re.compile(r"([a-z])|([a-z]{2,3})[ ._-]?\d{0,2}")
_TOKEN = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-Z])")
# Letters that Unicode does not decompose into a plain letter and an accent.
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
_SIMILARITY = 0.8
# Fewest letters of a misspelled word, and largest difference from the length of the right one.
_LONG_ENOUGH, _LENGTH_DIFFERENCE = 4, 2
# Numbers that do not reach from the first to the last of a scheme name it if there are this many.
_ENOUGH_NUMBERS = 5


@dataclass(frozen=True)
class Scheme:
    """Hold the numbers that a public dataset gives to expressions.

    Attributes
    ----------
    name
        Value of ``select.numbers``.
    places
        Parts of names of folders and tables that hold the dataset.
    codes
        Number → expression; ``None`` for images without one.
    """

    name: str
    places: tuple[str, ...]
    codes: Mapping[int, str | None]

    def fits(self, numbers: Iterable[int]) -> bool:
        """Return whether the scheme has every number; a negative one means no annotation."""
        return all(number in self.codes for number in numbers if number >= 0)

    def named_by(self, place: str) -> int:
        """Return the length of the longest part of a lower-case text that names the dataset."""
        found = (re.search(rf"(?<![a-z0-9]){re.escape(p)}(?![a-z])", place) for p in self.places)
        return max((len(match[0]) for match in found if match), default=0)

    def likelihood(self, numbers: Iterable[int]) -> int:
        """Rate how well numbers fit: 3 from first to last, 2 or 1 if there are enough, else 0."""
        labels = [code for code, expression in self.codes.items() if expression]
        positive = {number for number in numbers if number >= 0}
        if {min(labels), max(labels)} <= positive:
            return 3
        if len(positive) < _ENOUGH_NUMBERS:
            return 0
        return 2 if min(positive) == min(labels) else 1

    def spelled(self, counts: Mapping[int, int]) -> str:
        """Format the meaning of numbers and their counts: ``0 = anger (12), 1 = disgust (3)``."""
        return ", ".join(
            f"{n} = {self.codes.get(n) or 'none'} ({counts[n]})" for n in sorted(counts)
        )


@functools.cache
def schemes() -> tuple[Scheme, ...]:
    """Return the numeric schemes, the most common first."""
    return tuple(
        Scheme(
            entry["name"],
            tuple(entry["places"]),
            {
                number: None if name == "none" else name
                for number, name in enumerate(entry["codes"], entry.get("first", 0))
            },
        )
        for entry in _data()["schemes"]
    )


@functools.cache
def lexicon() -> dict[str, str | None]:
    """Return every folded word with its expression; ``None`` means no expression."""
    words: dict[str, str | None] = {"".join(_tokens(word)): None for word in _data()["none"]}
    for expression, text in _data()["words"].items():
        words |= {"".join(_tokens(word)): expression for word in text.split()}
    return words | EXPRESSION_SYNONYMS | {name: name for name in EXPRESSIONS}


def word_expression(word: str) -> str | None:
    """Return the expression that a single written word means in any language, else ``None``."""
    return lexicon().get(fold(word))


def code_expression(word: str) -> str | None:
    """Return the expression of a code like ``AN`` or ``AN1``, else ``None``."""
    match = _CODE.fullmatch(word.strip().casefold())
    return _codes().get(match[1] or match[2]) if match else None


def resembled_expression(word: str) -> str | None:
    """Return the expression of the known word that a misspelled one resembles, else ``None``."""
    key = fold(word)
    tokens = [token for token in _tokens(word) if token not in _data()["fillers"]]
    if len(key) < _LONG_ENOUGH or len(tokens) != 1:
        return None
    near = [
        lexicon()[known]
        for known in difflib.get_close_matches(key, lexicon(), n=5, cutoff=_SIMILARITY)
        if known[0] == key[0] and abs(len(known) - len(key)) <= _LENGTH_DIFFERENCE
    ]
    return near[0] if near else None


def number_of(word: str) -> int | None:
    """Return the number that a word is (``3``, ``3.0``, ``03``, ``class_3``), else ``None``."""
    text = word.strip()
    if not _NUMBER.fullmatch(text):
        tokens = _tokens(text)
        if not tokens or any(token not in _data()["fillers"] for token in tokens):
            return None
        text = re.sub(r"\D", "", text)
    return int(re.split("[.,]", text)[0]) if text else None


def fold(word: str) -> str:
    """Return a word without case, accents, separators, numbering and fillers."""
    tokens = _tokens(word)
    return "".join(t for t in tokens if t not in _data()["fillers"]) or "".join(tokens)


@functools.cache
def _data() -> dict[str, Any]:
    data = tomllib.loads((files("faceprep.datasets") / "words.toml").read_text(encoding="utf-8"))
    data["fillers"] = frozenset(data["fillers"].split())
    data["none"] = data["none"].split()
    return data


@functools.cache
def _codes() -> dict[str, str]:
    return {code: name for name, text in _data()["codes"].items() for code in text.split()}


@functools.lru_cache(maxsize=4096)
def _tokens(word: str) -> tuple[str, ...]:
    text = _CAMEL.sub(" ", unicodedata.normalize("NFKC", word)).casefold()
    decomposed = unicodedata.normalize("NFD", text)
    plain = "".join(c for c in decomposed if unicodedata.category(c) != "Mn").translate(_LETTERS)
    return tuple(_TOKEN.findall(unicodedata.normalize("NFC", plain)))
