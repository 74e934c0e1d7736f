"""Result of ``faceprep evaluate aus`` as console tables and as JSON."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.text import Text

from faceprep.core.vocabulary import plural
from faceprep.evaluation.aus.agreement import AUAgreement
from faceprep.evaluation.aus.evaluate import AUEvaluation
from faceprep.report.numbers import UNDEFINED, json_values, number, percent
from faceprep.report.tables.console import Page, Renderables, plain_table


def evaluation_tables(evaluation: AUEvaluation) -> Page:
    """Return renderables, and the same as JSON-ready values."""
    above = Text.assemble(
        (evaluation.workspace, "bold"), " against ", (evaluation.reference, "bold")
    )
    parts: Renderables = [above, Text(headline(evaluation), "dim"), _table(evaluation)]
    parts += [Text(line, "dim") for line in _legend(evaluation)]
    if evaluation.not_estimated:
        counts = ", ".join(f"{au} in {count:,}" for au, count in evaluation.not_estimated.items())
        parts.append(Text(f"not estimated: {counts}"))
    parts += [Text(f"note: {note}", "yellow") for note in evaluation.notes]
    return parts, _data(evaluation)


def headline(evaluation: AUEvaluation) -> str:
    """Count faces and subjects; name the faces and the estimator."""
    pairs = evaluation.pairs
    return (
        f"{plural(len(pairs.face_ids), 'face')} of {plural(_subjects(evaluation), 'subject')}:"
        f" {evaluation.which}; estimated by {pairs.estimated.source}"
    )


def _subjects(evaluation: AUEvaluation) -> int:
    return len(np.unique(evaluation.pairs.subjects))


def _table(evaluation: AUEvaluation) -> Any:
    numbers = ("n", "r", "95 %", "ICC", "MAE", "F1", "present", "claimed")
    table = plain_table(None, "AU", *numbers, right=numbers)
    for row in evaluation.aus:
        table.add_row(*_cells(row))
    table.add_section()
    table.add_row(*_cells(evaluation.mean), style="bold")
    return table


def _cells(row: AUAgreement) -> list[str]:
    interval = UNDEFINED
    if not (math.isnan(row.r_low) or math.isnan(row.r_high)):
        interval = f"{number(row.r_low)}…{number(row.r_high)}"
    count = f"{row.n:,}" if row.n else UNDEFINED
    agreements = (number(value) for value in (row.icc, row.mae, row.f1))
    shares = (percent(share) for share in (row.present, row.claimed))
    return [row.au, count, number(row.r), interval, *agreements, *shares]


def _legend(evaluation: AUEvaluation) -> list[str]:
    lines = [
        "n: faces with known intensity, for r, ICC(3,1) and MAE; 95 %: interval of r over subjects",
        "present: share of faces that show the AU; claimed: share estimated to show it; F1 of both",
    ]
    if any(math.isnan(row.r) for row in evaluation.aus):
        lines.append(
            f"{UNDEFINED}: undefined, because there are too few faces or all values are equal"
        )
    return lines


def _data(evaluation: AUEvaluation) -> dict[str, Any]:
    return {
        "kind": "evaluation",
        "workspace": evaluation.workspace,
        "reference": evaluation.reference,
        "which": evaluation.which,
        "estimated_by": evaluation.pairs.estimated.source,
        "faces": len(evaluation.pairs.face_ids),
        "subjects": _subjects(evaluation),
        "aus": [json_values(asdict(row)) for row in evaluation.aus],
        "mean": json_values(asdict(evaluation.mean)),
        "not_estimated": evaluation.not_estimated,
        "notes": evaluation.notes,
    }
