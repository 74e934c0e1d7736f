"""Result of ``faceprep evaluate edits`` as console tables, as JSON and as Parquet."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.text import Text

from faceprep.core.errors import Again, UsageError
from faceprep.core.files import output_file
from faceprep.core.marks import keep_foreign
from faceprep.core.vocabulary import plural
from faceprep.evaluation.edits.result import KINDS, MEAN, EditReport
from faceprep.metrics.expression_classifier.fit import HeldOutAccuracy
from faceprep.report.evaluation.edits_au_table import au_tables
from faceprep.report.numbers import UNDEFINED, json_values, number, percent
from faceprep.report.tables.console import Page, Renderables, plain_table

#: Titles of the kinds of rows.
TITLES = {"edit": "edits", "copy": "copy", "real": "real"}

_RHO = {
    "judge": "ρ of the judge's log-odds",
    "AUs": "ρ of the expression's AUs",
    "distance on the face": "ρ of a distance on the face",
}


def edit_tables(report: EditReport) -> Page:
    """Return renderables, and the same as JSON-ready values."""
    parts: Renderables = [
        Text.assemble((report.generator, "bold")),
        Text(headline(report), "dim"),
        *(Text(ceiling_line(ceiling), "dim") for ceiling in report.ceilings),
        _means(report),
        _expressions(report),
    ]
    parts += [Text(line, "dim") for line in _legend(report)]
    if report.action_units is not None:
        parts += au_tables(report.action_units)
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
    trained = f"on {plural(ceiling.trained_on, 'other subject')}" if ceiling.trained_on else ""
    return (
        f"judge {ceiling.judge}: {percent(ceiling.accuracy)} of"
        f" {plural(ceiling.faces, 'real test face')} classified correctly"
        f" ({plural(ceiling.subjects, 'subject')}), {percent(ceiling.balanced)} balanced;"
        f" trained {trained or 'elsewhere'}"
    )


def _means(report: EditReport) -> Any:
    """Return all means over the expressions: edits, copies, real faces."""
    rows = [report.row(kind) for kind in KINDS]
    columns = [TITLES[kind] for kind in KINDS]
    table = plain_table("mean over the expressions", "", *columns, right=tuple(columns))
    for ceiling in report.ceilings:
        shares = [row.agreement[ceiling.judge] for row in rows]
        table.add_row(f"classified as requested ({ceiling.judge})", *map(percent, shares))
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
        "copy: the same faces without an edit; real: test faces that show the expression",
        f"φ-distance: to the source (real: of one person); {report.different_pairs:,} pairs of"
        " different people",
        "rank-1: share of edits whose nearest source is the same person",
        "KID: HOG, to real training faces of the expression; 0 is as good as real",
        f"ρ: Spearman correlation with the requested intensity ({levels}), mean over the faces;"
        " by expression: of the AUs. Fading in a picture also gives a high ρ",
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


def check_table(out: Path) -> None:
    """Refuse a file that is not Parquet, or not faceprep's own, before anything is computed."""
    if out.suffix.lower() != ".parquet":
        parquet = Again({"table": out.with_suffix(".parquet")})
        raise UsageError(f"the table is Parquet, not {out.name}", parquet)
    keep_foreign([out], "--table")


def write_table(report: EditReport, out: Path) -> None:
    """Write the rows as Parquet, one column per number, and the rest as JSON metadata.

    FaceprepError if it cannot be written.
    """
    data = edit_data(report)
    rows = []
    for row in data.pop("rows"):
        agreement, rho = row.pop("agreement"), row.pop("rho")
        row |= {f"agreement {name}": value for name, value in agreement.items()}
        for name in report.row("edit").rho:
            for way in ("within", "pooled"):
                row[f"rho {name} {way}"] = rho[name][way] if name in rho else None
        rows.append(row)
    fields = [
        pa.field(name, _type(name), nullable=name not in ("kind", "expression", "faces"))
        for name in rows[0]
    ]
    table = pa.Table.from_pylist(rows, pa.schema(fields))
    about = json.dumps(data, sort_keys=True, ensure_ascii=False)
    with output_file(out, "write it in another folder with --table") as aside:
        pq.write_table(table.replace_schema_metadata({b"faceprep": about.encode()}), aside)


def _type(name: str) -> Any:
    if name in ("kind", "expression"):
        return pa.string()
    return pa.int64() if name == "faces" else pa.float64()
