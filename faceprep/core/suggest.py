"""What a mistyped word was meant to be."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that another is most like: by its meaning (``happy``), or its spelling.

    Parameters
    ----------
    cutoff
        Least likeness in spelling, 0 to 1 (`difflib.get_close_matches`).
    """
    from faceprep.datasets.base import expression_of

    words = list(known)
    meant = expression_of(word)
    if meant in words:
        return meant
    return next(iter(difflib.get_close_matches(word, words, n=1, cutoff=cutoff)), None)


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The question to ask after a mistyped word, as `nearest` finds it; None if nothing is near."""
    near = nearest(word, known, cutoff)
    return None if near is None else f"did you mean {near}?"
