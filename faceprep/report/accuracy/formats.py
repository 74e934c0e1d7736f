"""Format accuracies for printing."""

import math
from collections.abc import Callable
from typing import Any

from faceprep.metrics.accuracy import Interval
from faceprep.report.numbers import UNDEFINED
from faceprep.report.tables.console import plain_table

#: Printed below a table of gains.
VOTE = (
    "vote p: McNemar's exact test of the seeds' vote on every face, where the gain is the seeds'"
    " mean; frames of a clip are alike, so trust the interval first"
)


def narrow(title: str, *columns: str, right: tuple[str, ...]) -> Any:
    """Return an empty table that fits 80 characters."""
    table = plain_table(title, *columns, right=right)
    table.padding = (0, 0, 0, 1)
    for column in table.columns:
        column.no_wrap = True
    return table


def percentage(value: float) -> str:
    """Return a share in per cent without the unit, 72.3; a dash if it is NaN."""
    return UNDEFINED if math.isnan(value) else f"{100 * value:.1f}"


def signed(value: float) -> str:
    """Return a difference of shares in points, +1.2."""
    return UNDEFINED if math.isnan(value) else f"{round(100 * value, 1) + 0:+.1f}"


def ends(interval: Interval, write: Callable[[float], str] = percentage) -> str:
    """Return both ends of an interval."""
    if math.isnan(interval.low):
        return UNDEFINED
    return f"{write(interval.low)} … {write(interval.high)}"


def p_value(p: float) -> str:
    """Return a p value with three digits, or a bound."""
    return "< .001" if p < 0.001 else f"{p:.3f}"
