"""Find the expressions that the words, codes or numbers of a dataset mean."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from faceprep.config import SelectConfig
from faceprep.core.errors import Again, UsageError
from faceprep.core.vocabulary import EXPRESSIONS, choice_hint, did_you_mean, nearest
from faceprep.datasets.lexicon import (
    Scheme,
    code_expression,
    fold,
    lexicon,
    number_of,
    resembled_expression,
    schemes,
)
from faceprep.datasets.report import Report

#: Number of words that a message lists.
LISTED = 40

_ASKED = 3
_SIMILARITY = 0.78


@dataclass
class WordReading:
    """Hold the meaning of the words of a dataset.

    Attributes
    ----------
    counts
        Word as written → number of images.
    expressions
        Word → expression, or ``None`` for a word that means "no expression". Unknown words are
        missing.
    guesses
        Misspelled words and codes → expression.
    scheme
        Scheme of the numbers, if the words are numbers.
    alternatives
        Other schemes that have all the numbers.
    """

    counts: Mapping[str, int]
    expressions: dict[str, str | None] = field(default_factory=dict)
    guesses: dict[str, str] = field(default_factory=dict)
    scheme: Scheme | None = None
    alternatives: tuple[Scheme, ...] = ()

    @property
    def unknown(self) -> dict[str, int]:
        """Unknown words with their counts."""
        return {word: n for word, n in self.counts.items() if word not in self.expressions}

    @property
    def known(self) -> bool:
        """Whether a word means an expression."""
        return any(self.expressions.values())


def read_words(counts: Mapping[str, int], select: SelectConfig, place: str = "") -> WordReading:
    """Find the meaning of all words of a dataset together.

    Parameters
    ----------
    counts
        Word → number of images.
    select
        ``words`` overrules the meaning of single words, ``numbers`` names a scheme.
    place
        Names of the root and the table, which may tell the scheme of numbers.

    Raises
    ------
    UsageError
        If ``select.numbers`` names no scheme.
    """
    reading = WordReading(counts)
    overruled = {_same(word): meaning for word, meaning in select.words.items()}
    numbers = {word: number for word in counts if (number := number_of(word)) is not None}
    rest = []
    for word in counts:
        key = fold(word)
        if _same(word) in overruled:
            reading.expressions[word] = overruled[_same(word)]
        elif word in numbers:
            continue
        elif key in lexicon() or not re.search(r"\w", word):
            reading.expressions[word] = lexicon().get(key)
        else:
            rest.append(word)
    by_word = (e for w, e in reading.expressions.items() if _same(w) not in overruled)
    if numbers and not any(by_word):
        _read_numbers(reading, numbers, select, place.casefold())
    if not _read_codes(reading, rest):
        _read_misspelled(reading, rest)
    return reading


def note_words(reading: WordReading, select: SelectConfig, report: Report, what: str) -> None:
    """Note what was guessed and which words are unknown."""
    if reading.scheme is not None and reading.known:
        numbers = _counted_numbers(reading.counts)
        text = f"{what}: numbers of {reading.scheme.name}: {reading.scheme.spelled(numbers)}"
        if select.numbers is None:
            others = " or ".join(scheme.name for scheme in reading.alternatives)
            text += "; is this right? "
            text += f"select.numbers changes it ({others}), " if others else ""
            text += f"select.words.{min(numbers)} a single number"
        report.note(text)
    if reading.guesses:
        taken = ", ".join(f"{word} = {meant}" for word, meant in reading.guesses.items())
        changed = f"select.words.{next(iter(reading.guesses))}"
        report.note(f"{what}: {taken}; is this right? {changed} changes it")
    silent = {w: reading.counts[w] for w, meant in reading.expressions.items() if meant is None}
    if silent:
        report.note(f"{what}: no expression, so unlabelled: {listed(silent)}")
    if reading.unknown:
        names = listed(reading.unknown)
        report.note(f"{what}: unknown words, so unlabelled: {names}; {_questions(reading)}")
    here = set(map(_same, reading.counts))
    for word in select.words:
        if _same(word) not in here:
            near = did_you_mean(word, reading.counts) or f"it has {listed(reading.counts)}"
            report.note(f"select.words.{word}: {what} has no such word; {near}")


def unknown_words(reading: WordReading, what: str) -> UsageError:
    """Return the error for words of which none is known."""
    numbers = _counted_numbers(reading.counts)
    lines = [f"{what}: none of its words is a known expression: {listed(reading.counts)}"]
    fitting = [scheme for scheme in schemes() if numbers and scheme.fits(numbers)]
    lines += [f"select.numbers={scheme.name}: {scheme.spelled(numbers)}" for scheme in fitting]
    lines.append(f"the expressions are {', '.join(EXPRESSIONS)}, or none")
    word = _by_count(reading.unknown)[0]
    near = nearest(fold(word), EXPRESSIONS) or "neutral"
    hint: tuple[Again, ...] = (Again({f"select.words.{word}": near}, note="one for each word"),)
    if fitting:
        hint = (Again({"select.numbers": fitting[0].name}, note="takes them for these"), *hint)
    return UsageError("\n  ".join(lines), hint)


def listed(counts: Mapping[str, int]) -> str:
    """Format words with their counts, the most frequent first."""
    order = _by_count(counts)
    more = f" and {len(order) - LISTED} more" if len(order) > LISTED else ""
    return ", ".join(f"{word or '(empty)'} ({counts[word]})" for word in order[:LISTED]) + more


def _by_count(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda word: (-counts[word], word))


def _same(word: str) -> str:
    """Return the key under which two spellings of one word are equal."""
    number = number_of(word)
    if number is not None:
        return str(number)
    return unicodedata.normalize("NFC", word).casefold().strip()


def _counted_numbers(counts: Mapping[str, int]) -> dict[int, int]:
    numbers: Counter[int] = Counter()
    for word, count in counts.items():
        if (number := number_of(word)) is not None:
            numbers[number] += count
    return numbers


def _questions(reading: WordReading) -> str:
    """Ask what the most frequent unknown words mean."""
    order = _by_count(reading.unknown)
    asked = []
    for word in order[:_ASKED]:
        near = nearest(fold(word), filter(None, lexicon()), _SIMILARITY)
        if near and lexicon()[near]:
            asked.append(f"does {word} mean {lexicon()[near]}? ")
    return f"{''.join(asked)}select.words.{order[0]} says what it means"


def _read_numbers(
    reading: WordReading, numbers: Mapping[str, int], select: SelectConfig, place: str
) -> None:
    values = set(numbers.values())
    fitting = [scheme for scheme in schemes() if scheme.fits(values)]
    if select.numbers is not None:
        chosen = _scheme(select.numbers)
    elif fitting:
        chosen = max(fitting, key=lambda scheme: scheme.named_by(place))
        if not chosen.named_by(place):
            chosen = max(fitting, key=lambda scheme: scheme.likelihood(values))
            if not chosen.likelihood(values):
                return
    else:
        return
    reading.scheme = chosen
    reading.alternatives = tuple(scheme for scheme in fitting if scheme is not chosen)
    for word, number in numbers.items():
        if word not in reading.expressions and (number < 0 or number in chosen.codes):
            reading.expressions[word] = chosen.codes.get(number)


def _scheme(name: str) -> Scheme:
    best = max(
        schemes(), key=lambda scheme: (scheme.name == name, scheme.named_by(name.casefold()))
    )
    if best.name == name or best.named_by(name.casefold()):
        return best
    names = [scheme.name for scheme in schemes()]
    message = f"select.numbers={name} is none of {', '.join(names)}"
    raise UsageError(message, choice_hint("select.numbers", name, names))


def _read_codes(reading: WordReading, words: list[str]) -> bool:
    """Take all words as codes, if all are; return whether they are."""
    found = {word: meant for word in words if (meant := code_expression(word))}
    meanings = {*found.values(), *reading.expressions.values()} - {None}
    if len(found) < len(words) or len(meanings) < 2:  # one code alone is chance
        return False
    reading.expressions |= found
    reading.guesses |= found
    return True


def _read_misspelled(reading: WordReading, words: list[str]) -> None:
    """Take misspelled words for the expression that they resemble, if most words are known."""
    found = {word: meant for word in words if (meant := resembled_expression(word))}
    if 2 * (len(found) + len(reading.expressions)) >= len(reading.counts):
        reading.expressions |= found
        reading.guesses |= found
