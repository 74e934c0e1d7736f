"""Find out which folders or which parts of file names are people, without a known scheme.

A level of folders, or one word of the names, is a person if its values repeat across expressions.
Numbers that count images, and words for takes, views or sexes, are not people. When two levels may
be, nobody is known.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from faceprep.datasets.folder.tokens import (
    NUMBER,
    NUMBERED,
    PERSON,
    Folders,
    is_other,
    same_spelling,
    words_of,
)
from faceprep.datasets.lexicon import code_expression

#: Meaning of a word: an expression, or None.
Meaning = Callable[[str], str | None]

_SHARE = 0.9
_REPEATED = 0.5
_SAMPLE = 2000
_SURELY_MORE = 2
_GROUPS = 5
_FEWEST_CODES = 3


@dataclass(frozen=True)
class NamedExpressions:
    """Find the expression in the words of a file name.

    Attributes
    ----------
    meaning
        Tells the expression of a word.
    index
        Place of the expression; ``None`` for the last word that means one.
    """

    meaning: Meaning
    index: int | None = None

    def place(self, words: Sequence[str]) -> int | None:
        """Return the index of the expression."""
        places = range(len(words))[::-1] if self.index is None else [self.index % len(words)]
        return next((k for k in places if self.meaning(words[k])), None)

    def expression(self, stem: str) -> str | None:
        """Return the expression in a name."""
        words = words_of(stem)
        place = self.place(words) if words else None
        return None if place is None else self.meaning(words[place])


@dataclass
class Level:
    """Hold one level of folders, or one word of the file names.

    Attributes
    ----------
    kind
        ``above`` or ``below`` the expression's folder, word ``before`` or ``after`` the expression
        in a file name, or any word of the ``name``.
    values
        Value of each file, ``None`` without one.
    """

    kind: str
    values: list[str | None]

    @property
    def in_names(self) -> bool:
        """Whether it is a word of the file names."""
        return self.kind not in ("above", "below")

    @property
    def text(self) -> str:
        """Description for the user."""
        return "the file names" if self.in_names else "the folders"


@dataclass
class Inference:
    """Hold what was found out about the files.

    Attributes
    ----------
    people
        Level that is the person.
    doubtful
        Levels of which one may be the person.
    expressions
        Expression in each file's name; empty if names hold none.
    """

    people: Level | None = None
    doubtful: list[Level] = field(default_factory=list)
    expressions: list[str | None] = field(default_factory=list)


def infer(
    stems: Sequence[str],
    folders: Sequence[Folders],
    expressions: Sequence[str | None],
    meaning: Meaning,
) -> Inference:
    """Find the people of files.

    Parameters
    ----------
    stems
        File names without suffixes.
    folders, expressions
        Folder of each file, and its expression as far as it is known.
    meaning
        Tells the expression of a word.
    """
    found, named = Inference(), NamedExpressions(meaning)
    if len(expressions) - expressions.count(None) < _SHARE * len(stems):
        named = _named_expressions(stems, meaning) or named
        found.expressions = list(map(named.expression, stems))
        if len(stems) - found.expressions.count(None) < _SHARE * len(stems):
            found.expressions = []
    if found.expressions:
        expressions = [a or b for a, b in zip(expressions, found.expressions, strict=True)]
    levels = [level for level in _levels(stems, folders, named) if _is_covered(level.values)]
    sure = [level for level in levels if _says_person(level.values)]
    if not sure and not any(expressions):  # S010/…, F001/…
        outer = [level for level in levels if level.kind == "above"][:1]
        sure = [level for level in outer if _are_numbered(level.values)]
        sure = [level for level in sure if 1 < len(set(level.values)) < len(level.values)]
    if sure:
        found.people = sure[0]
        return found
    levels = [level for level in levels if _repeats(level.values, expressions)]
    while len(levels) > 1:
        loser = _less_likely(*levels[:2])
        if loser is None:
            found.doubtful = levels[:2]
            return found
        levels.remove(loser)
    found.people = levels[0] if levels else None
    return found


def _named_expressions(stems: Sequence[str], meaning: Meaning) -> NamedExpressions | None:
    """Find out where most names hold an expression, as a word or else as a code."""
    names = [words for stem in stems[:: max(len(stems) // _SAMPLE, 1)] if (words := words_of(stem))]
    by_word = NamedExpressions(meaning)
    if sum(by_word.place(words) is not None for words in names) >= _SHARE * len(names):
        return by_word

    def code(word: str) -> str | None:
        return meaning(word) or code_expression(word)

    longest = max(map(len, names), default=0)
    for index in (*range(longest), *range(-longest, 0)):
        found = [code(words[index % len(words)]) for words in names]
        different = len(set(found) - {None})
        if different >= _FEWEST_CODES and len(found) - found.count(None) >= _SHARE * len(found):
            return NamedExpressions(code, index)
    return None


def _levels(
    stems: Sequence[str], folders: Sequence[Folders], named: NamedExpressions
) -> Iterator[Level]:
    """Yield every level of folders, then every word of the names."""
    distinct = {id(folder): folder for folder in folders}.values()
    for kind in ("above", "below"):
        deepest = max((len(getattr(folder, kind)) for folder in distinct), default=0)
        for k in range(deepest):
            at = {
                id(folder): getattr(folder, kind)[k] if k < len(getattr(folder, kind)) else None
                for folder in distinct
            }
            values = [at[id(folder)] for folder in folders]
            usable = {value for value in at.values() if value and not is_other(value)}
            used = (value if value in usable else None for value in values)
            yield Level(kind, same_spelling(used))
    sample = stems[:: max(len(stems) // _SAMPLE, 1)]
    deeper = [folder for folder in distinct if not all(map(is_other, folder.below))]
    if len(deeper) > (1 - _SHARE) * len(distinct):
        sample = []  # names of frames or views, in folders below the expressions
    names = [_named(stem, named) for stem in sample]
    keys = dict.fromkeys(key for name in names for key in name)
    keys = {key: None for key in keys if sum(key in name for name in names) >= 0.8 * len(sample)}
    if keys:
        names = names if len(sample) == len(stems) else [_named(s, named) for s in stems]
        for key in keys:
            yield Level(key[0], same_spelling(name.get(key) for name in names))


def _named(stem: str, named: NamedExpressions) -> dict[tuple[str, int], str]:
    """Return the words of a name that may be a person, by their place."""
    words = words_of(stem)
    place = named.place(words) if words else None
    found = {}
    for k, word in enumerate(words):
        before = place is not None and k < place
        # A letter or a number of several digits may lead a name, as 01_happy; others count images.
        counts = len(word) == 1 or NUMBER.fullmatch(word)
        leads = not k and before and not (len(word) == 1 and word.isdigit())
        if k == place or is_other(word) or (counts and not leads):
            continue
        kind = "name" if place is None else "before" if before else "after"
        found[kind, k if place is None or before else k - place] = word
    return found


def _is_covered(values: Sequence[str | None]) -> bool:
    return len(values) - values.count(None) >= _SHARE * len(values)


def _says_person(values: Sequence[str | None]) -> bool:
    """Tell whether values call themselves people, and somebody has several files."""
    names = {value for value in values if value}
    said = sum(PERSON.fullmatch(name) is not None for name in names)
    return len(names) < len(values) and said >= _SHARE * len(names)


def _are_numbered(values: Sequence[str | None]) -> bool:
    """Tell whether values are short letters with a number, as S010."""
    return all(NUMBERED.fullmatch(value) for value in set(values) if value)


def _repeats(values: Sequence[str | None], expressions: Sequence[str | None]) -> bool:
    """Tell whether most values occur with several expressions."""
    first: dict[str, str] = {}
    repeated = set()
    for value, expression in zip(values, expressions, strict=True):
        if value and expression and first.setdefault(value, expression) != expression:
            repeated.add(value)
    return len(first) > 1 and len(repeated) >= max(2, _REPEATED * len(first))


def _less_likely(one: Level, other: Level) -> Level | None:
    """Return the level that is no person beside another, ``None`` if that is not known."""
    pairs = {pair for pair in zip(one.values, other.values, strict=True) if None not in pair}
    ones, others = len({pair[0] for pair in pairs}), len({pair[1] for pair in pairs})
    if len(pairs) == max(ones, others):  # each value of the finer level has one of the coarser
        fine, coarse = (one, other) if ones > others else (other, one)
        few, many = sorted((ones, others))
        numbered = _are_numbered(fine.values) and not _are_numbered(coarse.values)
        # People in a few groups; otherwise the coarser level cannot put anybody on both sides.
        return coarse if numbered or (few <= _GROUPS and many >= 4 * few) else fine
    if ones >= _SURELY_MORE * others:
        return other
    if others >= _SURELY_MORE * ones:
        return one
    return other if one.kind == "above" and other.kind != "above" else None
