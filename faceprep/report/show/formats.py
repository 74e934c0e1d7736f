"""Short forms of values on a terminal."""

from typing import Any

from rich.text import Text

from faceprep.report.tables.console import Renderable

#: Colour of each state of a stage.
STATE_STYLE = {
    "done": "green", "unfinished": "yellow", "stale": "yellow", "missing": "dim", "damaged": "red",
}  # fmt: skip


def line(*pieces: tuple[str, str]) -> Renderable:
    """Return one line of pieces of text, each with its style."""
    return Text.assemble(*pieces)


def age(seconds: float | None) -> str:
    """Return a duration in one unit: ``3 min ago``."""
    if seconds is None:
        return ""
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (129600, 3600, "h")):
        if seconds < limit:
            return f"{round(seconds / unit)} {name} ago"
    return f"{round(seconds / 86400)} days ago"


def by_status(status: dict[str, int]) -> str:
    """Return ``ok 40, no_face 2``; ``ok`` first."""
    order = sorted(status, key=lambda word: (word != "ok", word))
    return ", ".join(f"{word} {status[word]:,}" for word in order)


def short(value: Any) -> str:
    """Return a value of a manifest in at most 40 characters."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        numbers = ", ".join(short(item) for item in value[:2])
        return f"[{numbers}, …]" if len(value) > 2 else f"[{numbers}]"
    text = str(value)
    return text if len(text) <= 40 else f"…{text[-39:]}"
