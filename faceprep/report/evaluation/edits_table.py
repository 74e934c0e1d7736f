"""Result of ``faceprep evaluate edits`` as console tables and as JSON."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from faceprep.core.vocabulary import plural
from faceprep.evaluation.edits.result import KINDS, MEAN, EditReport
from faceprep.metrics.expression_classifier.held_out import HeldOutAccuracy
from faceprep.report.numbers import UNDEFINED, json_values, number, percent
from faceprep.report.tables.console import plain_table

#: Titles of the kinds of rows.
TITLES = {"edit": "edits", "copy": "copy", "real": "real"}

_RHO = {
    "judge": "ρ of the judge's log-odds",
    "AUs": "ρ of the expression's AUs",
    "distance on the face": "ρ of a distance on the face",
}


def edit_tables(report: EditReport) -> tuple[list[RenderableType], dict[str, Any]]:
    """Return renderables, and the same as JSON-ready values."""
    parts: list[RenderableType] = [
        Text.assemble((report.generator, "bold")),
        Text(headline(report), "dim"),
        *(Text(ceiling_line(ceiling), "dim") for ceiling in report.ceilings),
        _means(report),
        _expressions(report),
    ]
    parts += [Text(line, "dim") for line in _legend(report)]
    if report.diversity:
        parts.append(_diversity(report))
    parts += [Text(f"note: {note}", "yellow") for note in report.notes]
    return parts, edit_data(report)


def headline(report: EditReport) -> str:
    """Count the faces and subjects, and the training faces used for KID."""
    return (
        f"{plural(report.sources, 'face')} of {plural(report.subjects, 'unseen subject')},"
        f" {report.size} px; φ: {report.features};"
        f" KID against {plural(report.training_faces, 'training face')}"
    )


def ceiling_line(ceiling: HeldOutAccuracy) -> str:
    """Describe the accuracy of a classifier on real test faces."""
    return (
        f"judge {ceiling.judge}: {percent(ceiling.accuracy)} of"
        f" {plural(ceiling.faces, 'real test face')} read right"
        f" ({plural(ceiling.subjects, 'subject')}), {percent(ceiling.balanced)} balanced;"
        f" trained on {plural(ceiling.trained_on, 'other subject')}"
    )


def _means(report: EditReport) -> Any:
    """Return all means over the expressions: edits, copies, real faces."""
    rows = [report.row(kind) for kind in KINDS]
    columns = [TITLES[kind] for kind in KINDS]
    table = plain_table("mean over the expressions", "", *columns, right=tuple(columns))
    for ceiling in report.ceilings:
        shares = [row.agreement[ceiling.judge] for row in rows]
        table.add_row(f"read as asked ({ceiling.judge})", *map(percent, shares))
    for words, name, write in _LINES:
        table.add_row(words, *(write(getattr(row, name)) for row in rows))
    for key, words in _RHO.items():
        if key in rows[0].rho:
            table.add_row(words, number(rows[0].rho[key].within), UNDEFINED, UNDEFINED)
    return table


def _expressions(report: EditReport) -> Any:
    """Return agreement of the first classifier, identity, realism and intensity by expression."""
    numbers = ("n", "agree", "copy", "real", "rank-1", "KID", "copy ", "real ", "ρ")
    table = plain_table("by expression", "asked", *numbers, right=numbers)
    table.padding = (0, 0, 0, 1)  # fits 80 characters
    judge = report.ceilings[0].judge
    for row in report.rows:
        if row.kind != KINDS[0] or row.expression == MEAN:
            continue
        three = [report.row(kind, row.expression) for kind in KINDS]
        rho = row.rho.get("AUs", row.rho.get("judge"))
        table.add_row(
            row.expression, f"{row.faces:,}", *(percent(one.agreement[judge]) for one in three),
            percent(row.rank1), *(number(one.kid, 3) for one in three),
            number(rho.within) if rho else UNDEFINED,
        )  # fmt: skip
    return table


def _legend(report: EditReport) -> list[str]:
    levels = ", ".join(f"{level:g}" for level in report.intensities)
    return [
        "copy: the same faces, not edited; real: test faces that show the expression",
        f"φ-distance: to the source (real: of one person); {report.different_pairs:,} pairs of"
        " different people",
        "rank-1: of all sources the nearest shows the person",
        "KID: HOG, to real training faces of the expression; 0 is as good as real",
        f"ρ: Spearman with the asked intensity ({levels}), mean over the faces; by expression: of"
        " the AUs. A fading sticker has a high ρ too",
    ]


def _diversity(report: EditReport) -> Any:
    numbers = ("n", "spread", "real people", "share")
    table = plain_table("new identities", "expression", *numbers, right=numbers)
    for one in report.diversity:
        table.add_row(
            one.expression, f"{one.made:,}", number(one.spread), number(one.real),
            percent(one.share),
        )  # fmt: skip
    return table


_LINES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("φ-distance to the source", "distance", number),
    ("percentile among different people", "percentile", lambda value: number(value, 1)),
    ("below their 5th percentile", "below_fifth", percent),
    ("rank-1", "rank1", percent),
    ("KID", "kid", lambda value: number(value, 3)),
    ("sharpness", "sharpness", number),
)


def edit_data(report: EditReport) -> dict[str, Any]:
    """Return JSON-ready values."""
    data = json_values(asdict(report))
    for one, found in zip(data["diversity"], report.diversity, strict=True):
        one["share"] = json_values(found.share)
    return {"kind": "edits", **data}
