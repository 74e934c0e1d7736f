"""Results of ``evaluate codes`` and ``retrieve`` as console tables and as JSON."""

from dataclasses import asdict

import numpy as np
from rich.text import Text

from faceprep.core.vocabulary import plural
from faceprep.evaluation.codes import CodesReport
from faceprep.inference.retrieve import Retrieved
from faceprep.metrics.retrieval import RetrievalReport
from faceprep.report.numbers import json_values, number, percent
from faceprep.report.tables.console import Page, Renderables, plain_table

_TOLD = "Q gets the label as input, so its agreement with the label means little"


def codes_tables(report: CodesReport) -> Page:
    """Return purities by space, and the purities of random neighbours."""
    people = len(np.unique(report.subjects))
    faces = f"{plural(len(report.g), 'face')} of {plural(people, 'unseen subject')}"
    columns = ("same person", "same expression")
    table = plain_table(None, f"of {report.neighbours} neighbours", *columns, right=columns)
    for row in report.rows:
        table.add_row(row.space, percent(row.identity, 1), percent(row.expression, 1))
    table.add_row(
        "chance",
        percent(report.identity_chance, 1),
        percent(report.expression_chance, 1),
        style="dim",
    )
    legend = (
        "same person: share of neighbours from other clips of the person; same expression: share of"
        " neighbours among other people"
    )
    parts: Renderables = [
        Text(report.generator, "bold"), Text(faces, "dim"), table, Text(legend, "dim"),
    ]  # fmt: skip
    if report.sees_label:
        parts.append(Text(_TOLD, "yellow"))
    data = {
        "kind": "codes", "generator": report.generator, "faces": len(report.g), "subjects": people,
        "neighbours": report.neighbours, "sees_label": report.sees_label,
        "rows": [json_values(asdict(row)) for row in report.rows],
        "chance": json_values(
            {"identity": report.identity_chance, "expression": report.expression_chance}
        ),
    }  # fmt: skip
    return parts, data


def retrieval_tables(report: RetrievalReport) -> Page:
    """Return top-1 accuracy and difference in strength by method."""
    faces = (
        f"{plural(report.queries, 'face')} of {plural(report.subjects, 'unseen subject')}, each"
        f" searched among {plural(report.gallery, 'face')} of other people"
    )
    right = ("top-1", "difference in strength")
    table = plain_table(None, "by", "labels of the queries", *right, right=right)
    for row in report.rows:
        table.add_row(row.way, row.labels, percent(row.accuracy, 1), number(row.gap))
    table.add_row("chance", "", percent(report.chance, 1), number(report.chance_gap), style="dim")
    notes = ["rows with given labels: top-1 by label is 100 % by construction"]
    notes += [_TOLD] if report.sees_label else []
    notes.append(
        "difference in strength: difference of the expression's main facial distance between query"
        " and found face, in standard deviations, where both show the same expression"
    )
    parts: Renderables = [Text(faces, "dim"), table]
    parts += [Text(note, "dim") for note in notes]
    parts += [Text(f"note: {note}", "yellow") for note in report.notes]
    data = asdict(report)
    data["rows"] = [json_values(row) for row in data["rows"]]
    return parts, {"kind": "retrieval", **json_values(data)}


def hit_tables(found: Retrieved) -> Page:
    """Return renderables, and the same as JSON-ready values."""
    right = ("", "distance")
    table = plain_table(None, "face", "by", "", "found", "expression", "distance", right=right)
    names = {face.source: face.name for face in found.queries.faces}
    table.columns[0].overflow = table.columns[3].overflow = "fold"  # a cut id cannot be used
    for hit in found.hits:
        begins = (names[hit.source], hit.way) if hit.rank == 1 else ("", "")
        table.add_row(*begins, str(hit.rank), hit.face_id, hit.expression, f"{hit.distance:.3f}")
    labels = list(zip(found.queries.faces, found.labels or [], strict=False))
    lines = [f"{face.source}: {label}" for face, label in labels]
    if not found.hits:
        lines.append("no face of another person is in the gallery (--gallery)")
    return [*lines, *([table] if found.hits else [])], {
        "kind": "retrieved",
        "labels": [{"source": face.source, **asdict(label)} for face, label in labels],
        "found": [asdict(hit) for hit in found.hits],
    }
