"""Numbers in reports: as text, and as JSON values."""

import math
from collections.abc import Callable
from typing import Any

from faceprep.metrics.accuracy import Interval
from faceprep.report.tables.console import plain_table

#: Text of an undefined number.
UNDEFINED = "–"


def number(value: float, digits: int = 2) -> str:
    """Return a number as text; a dash if it is NaN."""
    # Adding 0 removes the sign of a negative number that rounds to zero.
    return UNDEFINED if math.isnan(value) else f"{round(value, digits) + 0:.{digits}f}"


def percent(share: float, digits: int = 0) -> str:
    """Return a share as text in per cent; a dash if it is NaN."""
    return UNDEFINED if math.isnan(share) else f"{100 * share:.{digits}f} %"


def json_values(value: Any) -> Any:
    """Return a value with null in place of NaN and infinity, which JSON lacks."""
    if isinstance(value, dict):
        return {key: json_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


#: Printed below a table of gains.
VOTE = (
    "p: McNemar test on the majority vote of all seeds; frames of a clip are not independent, so"
    " prefer the interval"
)

#: Printed behind a comparison of the best rows of a table.
PICKED = "picked as best on the test set, so the number is optimistic"


def narrow(title: str, *columns: str, right: tuple[str, ...]) -> Any:
    """Return an empty table that fits 80 characters."""
    table = plain_table(title, *columns, right=right)
    table.padding = (0, 0, 0, 1)
    for column in table.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
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


def with_ends(interval: Interval) -> str:
    """Return a gain with its interval in brackets, ``+4.1 [-2.9 … +10.9]``, if it has one."""
    both = "" if math.isnan(interval.low) else f" [{ends(interval, signed)}]"
    return signed(interval.value) + both


def p_value(p: float) -> str:
    """Return a p value with three digits, or a bound."""
    return "< .001" if p < 0.001 else f"{p:.3f}"
