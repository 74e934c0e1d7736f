"""Read people, expressions and frames from names of files and folders, by a scheme or a pattern.

The schemes of public datasets are in ``naming.toml``.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from faceprep.config import SelectConfig
from faceprep.core.errors import Again, UsageError
from faceprep.core.tree import IMAGE_SUFFIXES
from faceprep.core.vocabulary import EXPRESSION_SYNONYMS, EXPRESSIONS, choice_hint

#: Share of the files that a scheme must fit.
SHARE = 0.9
#: Setting for files without people.
NO_NAMES = "none"
#: Name of a user's own scheme.
OWN = "pattern"

_SAMPLE = 2000
_FIELD = re.compile(r"\{(\w*)(?::(\d+))?\}")
_FIELDS = ("subject", "expression", "sequence", "frame", "")
_FIELDS_HINT = (
    "its fields are {subject}, {expression}, {sequence} and {frame}; {} is anything within a name"
)
_LETTERS = r"[^\W\d_]+"
_MAX_DIGITS = 9


class Name(NamedTuple):
    """Hold what a name tells; ``expression`` is the word or code as written."""

    subject: str
    expression: str | None = None
    sequence: str | None = None
    frame: int | None = None


class Pattern(NamedTuple):
    """Hold a regular expression of the end of a path, and the number of its folders."""

    expression: re.Pattern[str]
    folders: int

    def match(self, path: str) -> re.Match[str] | None:
        """Match the name of a file with as many folders as the pattern has."""
        end = path.rsplit("/", self.folders + 1)[-self.folders - 1 :]
        return self.expression.fullmatch("/".join(end))


@dataclass(frozen=True)
class Scheme:
    """Describe the names of a dataset.

    Attributes
    ----------
    name, title
        Value of ``select.naming``, and name of the dataset.
    patterns
        Regular expressions of the end of a path; the first that fits counts.
    codes
        Expression in the name, folded → expression, empty without one.
    auto
        Whether it is recognised without being named.
    example
        A path without its suffix.
    """

    name: str
    title: str
    patterns: tuple["Pattern", ...]
    codes: Mapping[str, str] = field(default_factory=dict)
    auto: bool = True
    example: str = ""

    def read(self, path: str) -> Name | None:
        """Return what a path without its suffix tells, or ``None`` if it does not fit."""
        for pattern in self.patterns:
            match = pattern.match(path)
            if match is not None:
                return _name(match)
        return None

    def fits(self, path: str) -> bool:
        """Tell whether a path without its suffix fits."""
        return any(pattern.match(path) is not None for pattern in self.patterns)


@cache
def schemes() -> tuple[Scheme, ...]:
    """Return the schemes of public datasets."""
    text = files("faceprep.datasets").joinpath("naming.toml").read_text(encoding="utf-8")
    return tuple(
        Scheme(
            entry["name"],
            entry["title"],
            (_compiled(entry["pattern"]),),
            entry.get("codes", {}),
            entry.get("auto", True),
            entry["example"],
        )
        for entry in tomllib.loads(text)["scheme"]
    )


def scheme_of(stems: Sequence[str], select: SelectConfig) -> Scheme | None:
    """Return the scheme of paths: that of the settings, or the only one that fits at least 90 %.

    Parameters
    ----------
    stems
        Paths below the root, without suffixes.
    select
        ``pattern`` and ``naming``.

    Raises
    ------
    UsageError
        If the pattern or the name of the scheme is wrong, or fits no path.
    """
    if select.pattern is not None:
        return _fitting(own_scheme(select.pattern), stems, "select.pattern")
    if select.naming == "auto":
        sample = stems[:: max(len(stems) // _SAMPLE, 1)]
        likely = [one for one in schemes() if one.auto and _fits(one, sample)]
        if len(likely) > 1 or len(sample) < len(stems):
            likely = [one for one in likely if _fits(one, stems)]
        return likely[0] if len(likely) == 1 else None
    if select.naming == NO_NAMES:
        return None
    names = [one.name for one in schemes()]
    for scheme in schemes():
        if scheme.name == select.naming.casefold():
            return _fitting(scheme, stems, "select.naming")
    message = f"select.naming={select.naming} is none of auto, none, {', '.join(names)}"
    known = ("auto", NO_NAMES, *names)
    raise UsageError(message, choice_hint("select.naming", select.naming, known))


def own_scheme(pattern: str) -> Scheme:
    """Return the scheme of a user's pattern, e.g. ``{subject}/{expression}/{}``.

    ``{}`` is anything within a name, ``{subject:3}`` has three characters. The suffix of the files
    may be left out.

    Raises
    ------
    UsageError
        If a field is unknown or occurs twice, or no field is the subject.
    """
    names = [match[1] for match in _FIELD.finditer(pattern)]
    named = [name for name in names if name]
    unknown = [name for name in named if name not in _FIELDS]
    if unknown or "subject" not in named or len(named) != len(set(named)):
        fault = f"has no field {{{unknown[0]}}}" if unknown else "needs {subject}, each field once"
        raise UsageError(
            f"select.pattern={pattern}: a pattern {fault}",
            _FIELDS_HINT,
        )
    texts = [pattern.strip("/")]
    stem, dot, suffix = texts[0].rpartition(".")
    if dot and f".{suffix.lower()}" in IMAGE_SUFFIXES:
        texts = [stem]
    elif suffix == "{}":
        texts.append(stem)  # the end may be meant for the suffix
    # Known words, then letters, so that {expression}{} divides HA2, then anything.
    words = ("|".join((*EXPRESSIONS, *EXPRESSION_SYNONYMS)), _LETTERS, r"[^/]+?")
    patterns = tuple(_compiled(_regex(text, word)) for text in texts for word in words)
    return Scheme(OWN, "select.pattern", patterns, example=pattern)


def _regex(pattern: str, word: str) -> str:
    parts, end = [], 0
    for match in _FIELD.finditer(pattern):
        parts.append(re.escape(pattern[end : match.start()]))
        kinds = {"expression": word, "frame": rf"\d{{1,{_MAX_DIGITS}}}", "": r"[^/]*?"}
        if match[1] == "frame" and pattern[: match.start()].endswith("/" if match.start() else ""):
            parts.append(r"[^/]*?")  # img_0012 is frame 12
        kind = f"[^/]{{{match[2]}}}" if match[2] else kinds.get(match[1], r"[^/]+?")
        parts.append(f"(?P<{match[1]}>{kind})" if match[1] else kind)
        end = match.end()
    return "".join([*parts, re.escape(pattern[end:])])


def _compiled(pattern: str) -> Pattern:
    """Compile a pattern; its slashes, but those of character classes, are folders."""
    folders = re.sub(r"\[[^]]*\]", "", pattern).count("/")
    return Pattern(re.compile(pattern, re.IGNORECASE), folders)


def _name(match: re.Match[str]) -> Name:
    groups = match.groupdict()
    frame, sequence, expression = map(groups.get, ("frame", "sequence", "expression"))
    if frame is not None and sequence is None:
        sequence = match.string[: match.start("frame")].rstrip("/_-. ")
    elif sequence is not None and expression is not None and expression not in sequence:
        sequence = f"{expression}/{sequence}"
    number = None if frame is None else int(frame)
    return Name(groups["subject"] or "", expression, sequence, number)


def _fits(scheme: Scheme, stems: Sequence[str]) -> bool:
    left = len(stems)  # files that may still fit
    for stem in stems:
        if not scheme.fits(stem):
            left -= 1
            if left < SHARE * len(stems):
                return False
    return True


def _fitting(scheme: Scheme, stems: Sequence[str], setting: str) -> Scheme:
    """Return a scheme that the settings name, which must fit some path."""
    if not any(map(scheme.fits, stems)):
        raise UsageError(
            f"{setting}: no file is named like {scheme.example}; the first is {stems[0]}",
            _FIELDS_HINT if scheme.name == OWN else Again({"select.naming": "auto"}),
        )
    return scheme
