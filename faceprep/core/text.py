"""Format counts, and find the known word nearest to a mistyped one."""

import difflib
from collections.abc import Iterable

from faceprep.core.vocabulary import expression_of


def plural(count: int, noun: str) -> str:
    """Format a count with its noun: ``1 face``, ``2,000 faces``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Find the known word with the same meaning (``happy``) or the most similar spelling.

    Parameters
    ----------
    word
        The mistyped word.
    known
        Words to choose from.
    cutoff
        Smallest similarity in spelling, 0 to 1 (`difflib.get_close_matches`).

    Returns
    -------
    None if no word is similar enough.
    """
    words = list(known)
    meant = expression_of(word)
    if meant in words:
        return meant
    return next(iter(difflib.get_close_matches(word, words, n=1, cutoff=cutoff)), None)


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Ask whether the `nearest` known word was meant; None if no word is similar enough."""
    near = nearest(word, known, cutoff)
    return None if near is None else f"did you mean {near}?"
