"""Refuse measurements in which a test subject was seen by what is measured."""

from collections.abc import Iterable, Mapping
from typing import Any

from faceprep.core.errors import FaceprepError, Hint, Remedy, UsageError

#: Subjects named in an error; the others are counted.
_NAMED = 5

_SPLIT_AGAIN: Hint = ("split by subject: ", Remedy("select", overrides={"overwrite": True}))


def refuse_leak(training: Iterable[str], tested: Iterable[str], what: str) -> None:
    """Refuse a subject on both sides: numbers on training subjects do not hold for new ones.

    Parameters
    ----------
    training, tested
        Names of subjects.
    what
        What saw the training subjects, for the message.

    Raises
    ------
    UsageError
        A training subject is among those tested.
    """
    both = sorted({*training} & {*tested})
    if both:
        more = f" and {len(both) - 1} more" if len(both) > 1 else ""
        raise UsageError(
            f"{what} saw subject {both[0]}{more}, who is to be judged",
            _SPLIT_AGAIN,
        )


def refuse_leaks(
    tested: Iterable[str],
    touched: Mapping[str, Iterable[str]],
    hints: Mapping[str, Hint] | None = None,
) -> None:
    """Refuse an accuracy table if one of its components saw a test subject.

    Parameters
    ----------
    tested
        Test subjects, as ``dataset/subject``.
    touched
        Component → subjects it saw: ``the generator``, ``the filter's judge``, ``early stopping``.
    hints
        Component → what to do about it; by default, split by subject again.

    Raises
    ------
    FaceprepError
        A component saw a test subject; the message names both.
    """
    people = {*tested}
    for what, seen in touched.items():
        both = sorted(people & {*seen})
        if both:
            names = ", ".join(both[:_NAMED])
            more = f" and {len(both) - _NAMED} more" if len(both) > _NAMED else ""
            raise FaceprepError(
                f"no table: {what} saw test subject{'s' * (len(both) > 1)} {names}{more}",
                (hints or {}).get(what, _SPLIT_AGAIN),
            )


def subjects_of(record: Mapping[str, Any], where: str, hint: Hint) -> list[str]:
    """Return the training subjects from the metadata of a generator or of a stage.

    Parameters
    ----------
    record
        Metadata with a list ``subjects``.
    where
        What the metadata describe, for the message.
    hint
        What to do where they name no subjects.

    Raises
    ------
    FaceprepError
        The metadata name no subjects, so that a leak cannot be excluded.
    """
    people = record.get("subjects")
    if not isinstance(people, list) or not all(isinstance(one, str) for one in people):
        raise FaceprepError(f"no table: {where} does not name the subjects it saw", hint)
    return people
