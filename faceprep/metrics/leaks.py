"""Refuse measurements of components that were trained on a test subject."""

from collections.abc import Iterable, Mapping
from typing import Any

from faceprep.core.errors import FaceprepError, Hint, UsageError

#: Largest number of subjects named in an error.
_NAMED = 5

_TRAIN_AGAIN: Hint = "train it again, on the training people of this split"


def refuse_leak(training: Iterable[str], tested: Iterable[str], what: str) -> None:
    """Refuse test subjects that are also training subjects of the component `what`.

    Raises
    ------
    UsageError
        A training subject is among those tested.
    """
    both = sorted({*training} & {*tested})
    if both:
        more = f" and {len(both) - 1} more" if len(both) > 1 else ""
        raise UsageError(
            f"{what} saw subject {both[0]}{more}, who is also a test subject", _TRAIN_AGAIN
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
        Component → hint; by default, to train it again.

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
                (hints or {}).get(what, _TRAIN_AGAIN),
            )


def subjects_of(record: Mapping[str, Any], where: str, hint: Hint) -> list[str]:
    """Return the training subjects from the metadata of a generator or of a stage.

    `where` names the metadata in the message.

    Raises
    ------
    FaceprepError
        They name no subjects, so that a leak cannot be excluded; with `hint`.
    """
    people = record.get("subjects")
    if not isinstance(people, list) or not all(isinstance(one, str) for one in people):
        raise FaceprepError(f"no table: {where} does not name the subjects it saw", hint)
    return people
