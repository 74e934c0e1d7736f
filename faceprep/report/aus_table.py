"""The result of ``faceprep evaluate aus`` for people (rich) and for programs (JSON)."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprep.core.text import plural
from faceprep.evaluation.aus.agreement import AUAgreement, AUEvaluation
from faceprep.report.tables.console import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType

UNDEFINED = "–"


def evaluation_tables(
    evaluation: AUEvaluation,
) -> "tuple[list[RenderableType], dict[str, Any]]":
    """Return what to print, and the same as JSON-ready values; NaN becomes null there."""
    from rich.text import Text

    above = Text.assemble(
        (evaluation.workspace, "bold"), " against ", (evaluation.reference, "bold")
    )
    parts: list[RenderableType] = [above, Text(headline(evaluation), "dim"), _table(evaluation)]
    parts += [Text(line, "dim") for line in _legend(evaluation)]
    if evaluation.not_estimated:
        parts.append(Text(f"not estimated: {_counted(evaluation.not_estimated)}"))
    parts += [Text(f"note: {note}", "yellow") for note in evaluation.notes]
    return parts, _data(evaluation)


def headline(evaluation: AUEvaluation) -> str:
    """How many faces, of whom, which, and by what they were estimated."""
    pairs = evaluation.pairs
    return (
        f"{plural(len(pairs.face_ids), 'face')} of {plural(subjects(evaluation), 'subject')}:"
        f" {evaluation.which}; estimated by {pairs.estimated.source}"
    )


def subjects(evaluation: AUEvaluation) -> int:
    """Number of people among the faces."""
    return len(np.unique(evaluation.pairs.subjects))


def number(value: float, digits: int = 2) -> str:
    """Write a number; a dash where it is not defined."""
    # Adding 0 takes the sign off a negative number that rounds to zero.
    return UNDEFINED if math.isnan(value) else f"{round(value, digits) + 0:.{digits}f}"


def _table(evaluation: AUEvaluation) -> Any:
    numbers = ("n", "r", "95 %", "ICC", "MAE", "F1", "present", "claimed")
    table = plain_table(None, "AU", *numbers, right=numbers)
    for one in evaluation.aus:
        table.add_row(*_cells(one))
    table.add_section()
    table.add_row(*_cells(evaluation.mean), style="bold")
    return table


def _cells(one: AUAgreement) -> list[str]:
    interval = UNDEFINED
    if not (math.isnan(one.r_low) or math.isnan(one.r_high)):
        interval = f"{number(one.r_low)}…{number(one.r_high)}"
    shares = (
        UNDEFINED if math.isnan(share) else f"{100 * share:.0f} %"
        for share in (one.present, one.claimed)
    )
    count = f"{one.n:,}" if one.n else UNDEFINED
    agreements = (number(value) for value in (one.icc, one.mae, one.f1))
    return [one.au, count, number(one.r), interval, *agreements, *shares]


def _legend(evaluation: AUEvaluation) -> list[str]:
    lines = [
        "n: faces of known intensity (r, ICC(3,1), MAE); 95 %: of r, over the subjects",
        "present, claimed: share of faces that show the AU, and that are said to (F1)",
    ]
    if any(math.isnan(one.r) for one in evaluation.aus):
        lines.append(f"{UNDEFINED}: not defined; too few faces, or values all alike")
    return lines


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{au} in {count:,}" for au, count in counts.items())


def _data(evaluation: AUEvaluation) -> dict[str, Any]:
    return {
        "kind": "evaluation",
        "workspace": evaluation.workspace,
        "reference": evaluation.reference,
        "which": evaluation.which,
        "estimated_by": evaluation.pairs.estimated.source,
        "faces": len(evaluation.pairs.face_ids),
        "subjects": subjects(evaluation),
        "aus": [_plain(one) for one in evaluation.aus],
        "mean": _plain(evaluation.mean),
        "not_estimated": evaluation.not_estimated,
        "notes": evaluation.notes,
    }


def _plain(one: AUAgreement) -> dict[str, Any]:
    """JSON has no NaN."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(one).items()
    }
