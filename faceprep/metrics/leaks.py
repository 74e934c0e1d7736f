"""Nobody of the test may have touched anything that a row of the accuracy table was made with."""

from collections.abc import Iterable, Mapping
from typing import Any

from faceprep.core.errors import FaceprepError

#: Most people whose names an error gives.
_NAMED = 5


def refuse_leaks(
    tested: Iterable[str],
    touched: Mapping[str, Iterable[str]],
    hints: Mapping[str, str] | None = None,
) -> None:
    """Refuse a table in which a test subject touched what it was made with.

    Parameters
    ----------
    tested
        People of the test, as ``dataset/subject``.
    touched
        What → whom it saw: ``the generator``, ``the filter's judge``, ``early stopping`` …
    hints
        What → the command that mends it; by default one that splits anew.

    Raises
    ------
    FaceprepError
        Naming what, and whom.
    """
    people = {*tested}
    for what, seen in touched.items():
        both = sorted(people & {*seen})
        if both:
            names = ", ".join(both[:_NAMED])
            more = f" and {len(both) - _NAMED} more" if len(both) > _NAMED else ""
            raise FaceprepError(
                f"no table: {what} saw test subject{'s' * (len(both) > 1)} {names}{more}",
                (hints or {}).get(what, "split by subject: faceprep select --overwrite"),
            )


def subjects_of(record: Mapping[str, Any], where: str, hint: str) -> list[str]:
    """Whom a generator's file or a stage's record says it saw.

    Raises
    ------
    FaceprepError
        It does not say, so that nobody can vouch for it.
    """
    people = record.get("subjects")
    if not isinstance(people, list) or not all(isinstance(one, str) for one in people):
        raise FaceprepError(f"no table: {where} does not say whom it saw", hint)
    return people
