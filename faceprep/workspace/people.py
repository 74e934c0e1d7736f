"""Tell whether the subjects of a selection are people."""

from collections.abc import Mapping
from typing import Any


def unknown_people(summary: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the subjects, or None if every frame has a known person.

    Parameters
    ----------
    summary
        ``summary`` of select's ``stage.json``; without ``people`` nothing is known to be wrong.
    """
    unknown = summary.get("people", {}).get("unknown", 0)
    if not unknown:
        return None
    frames = sum(counts["frames"] for counts in summary["splits"].values())
    if unknown >= frames:
        return (
            "nobody can be told apart: the split and the folds are by picture, and one person may "
            "be on both sides"
        )
    return (
        f"{unknown:,} of {frames:,} frames name no person: the split and the folds take them by "
        "picture, and one person may be on both sides"
    )
