"""Tables of edits by Action Units: error, single-AU sweeps, place of the change, identity."""

from typing import Any

from rich.text import Text

from faceprep.core.vocabulary import plural
from faceprep.evaluation.edits.au_result import AUReport, AURow, Error
from faceprep.report.numbers import narrow, number, percent
from faceprep.report.tables.console import Renderables, plain_table


def au_tables(report: AUReport) -> Renderables:
    """Return the means, and the numbers of each AU, expression and intensity."""
    return [
        _means(report),
        _aus(report),
        _expressions(report),
        _curve(report),
        *(Text(line, "dim") for line in _legend(report)),
    ]


def _means(report: AUReport) -> Any:
    columns = ("edits", "copy", "edits / copy")
    count = sum(row.varies for row in report.aus)
    table = plain_table("Action Units", "", *columns, right=columns)
    table.add_row(f"error, mean of the {plural(count, 'AU')} that vary", *_error(report.error))
    table.add_row("error of the change", *_error(report.change))
    table.add_row("error of the measurement itself", number(report.measurement_error))
    table.add_row("change when the own AUs are requested, of 255", number(report.own_change))
    table.add_row("ρ of single-AU sweeps", number(report.rho))
    table.add_row("change inside the regions of the changed AUs", percent(report.inside))
    table.add_row("their share of the area", percent(report.area))
    table.add_row("change outside all regions, of 255", number(report.background))
    return table


def _error(error: Error) -> list[str]:
    return [number(value) for value in (error.edit, error.copy, error.ratio)]


def _aus(report: AUReport) -> Any:
    columns = ("spread", "error", "copy", "change", "copy ", "r", "ρ", "inside", "area")
    table = narrow("by AU", "AU", *columns, right=columns)
    for row in report.aus:
        table.add_row(*_cells(row), style=None if row.varies else "dim")
    return table


def _cells(row: AURow) -> list[str]:
    numbers = (row.spread, row.error.edit, row.error.copy, row.change.edit, row.change.copy)
    shares = (percent(row.inside), percent(row.area))
    return [row.au, *map(number, (*numbers, row.r, row.rho)), *shares]


def _expressions(report: AUReport) -> Any:
    columns = ("n", "error", "copy", "edits / copy", "inside", "area")
    table = narrow("AUs by expression", "asked", *columns, right=columns)
    for one in report.expressions:
        shares = (percent(one.inside), percent(one.area))
        table.add_row(one.expression, f"{one.faces:,}", *_error(one.error), *shares)
    return table


def _curve(report: AUReport) -> Any:
    columns = ("intensity", "AU error", "φ-distance")
    table = narrow("identity at equal AU error", *columns, right=columns)
    for point in report.curve:
        table.add_row(f"{point.intensity:g}", number(point.error), number(point.distance))
    return table


def _legend(report: AUReport) -> list[str]:
    return [
        "error: mean absolute difference of requested and measured AUs (0–5); measured with the"
        f" landmarks, {plural(report.neutral_faces, 'face')} relative to the person's neutral face",
        f"an AU varies if its requested values have a spread of {report.varies_from:g};"
        " r: correlation of requested and measured change",
        f"ρ: the AU is requested from 0 to 5 ({plural(report.sweep_faces, 'face')}), others kept",
        "inside: share of the change in the regions of the AUs; spread evenly it equals the area",
        "identity at equal AU error: error to the whole expression, from low to high intensity",
    ]
