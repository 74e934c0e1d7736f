"""Numbers in reports: as text, and as JSON values."""

import math
from typing import Any

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
