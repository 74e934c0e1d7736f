"""Read tables with a column for each expression: votes, scores, or one 1 among zeros."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from faceprep.datasets.lexicon import fold, lexicon
from faceprep.datasets.report import Report

# Fewer columns may be something else, e.g. a grade of joy and of fear.
_FEWEST = 3


def vote_columns(names: Sequence[str]) -> list[str]:
    """Return the columns that are called like expressions, at least three, or none."""
    found = [name for name in names if fold(name) in lexicon()]
    meanings = {lexicon()[fold(name)] for name in found} - {None}
    return found if len(meanings) >= _FEWEST else []


def winners(raw: pa.Table, columns: Sequence[str], report: Report) -> pa.ChunkedArray | None:
    """Return the name of the column with the largest number of each row, null without a single one.

    Returns
    -------
    ``None`` if the columns do not hold numbers.
    """
    try:
        votes = np.stack(
            [raw.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False) for name in columns]
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    votes = np.nan_to_num(votes, nan=-np.inf)
    largest = votes.max(axis=0, initial=-np.inf)
    single = (votes == largest).sum(axis=0) == 1
    report.note(
        f"the expression is the largest of the columns {', '.join(columns)}; is this right? "
        f"{int((~single).sum())} rows have no single largest and are unlabelled"
    )
    indices = pa.array(votes.argmax(axis=0), mask=~single)
    return pa.chunked_array([pa.array(list(columns), pa.string()).take(indices)])
