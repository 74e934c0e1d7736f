"""Result of ``faceprep check`` as console tables and as JSON: every row beside its baseline."""

from dataclasses import asdict
from typing import Any

from faceprep.core.vocabulary import plural
from faceprep.evaluation.check.baseline import row_name
from faceprep.evaluation.check.comparison import Comparison
from faceprep.evaluation.check.workspace import Checked
from faceprep.report.tables.console import Page, Renderables, plain_table

#: Titles of the measures, short enough for the table.
_NAMES = {"accuracy": "accuracy", "balanced_accuracy": "balanced"}


def check_tables(checked: Checked) -> Page:
    """Return renderables, and the same as JSON-ready values."""
    baseline = checked.baseline
    data: dict[str, Any] = {
        "baseline": str(checked.path),
        "table": str(checked.table),
        "config": baseline.config,
        "reason": baseline.reason,
        "rows": [asdict(entry) for entry in baseline.entries],
    }
    if checked.gate is None:
        return [_written(checked)], {**data, "written": True}
    columns = ("baseline", "allowed", "now", "change")
    table = plain_table(None, "row", "measure", *columns, "", right=columns)
    for row in checked.gate.rows:
        table.add_row(
            row_name(row.key),
            _NAMES[row.measure],
            f"{row.expected:.3f}",
            f"−{row.tolerance:.3f}",
            f"{row.found:.3f}",
            f"{row.difference:+.3f}".replace("-", "−"),
            _word(row),
            style="red" if row.regressed else None,
        )
    lines: Renderables = [table]
    if checked.gate.versions:
        words = (f"{name} {old} → {new}" for name, (old, new) in checked.gate.versions.items())
        lines.append(f"  other versions than the baseline's: {', '.join(words)}")
    if checked.gate.more:
        names = "; ".join(row_name(key) for key in checked.gate.more)
        lines.append(f"  not in the baseline, so not compared: {names}")
    if checked.gate.passed:
        count = plural(len(checked.gate.rows), "number")
        lines.append(f"passed: {count} compared with {checked.path}, none fell below it")
    data |= {
        "more": [row_name(key) for key in checked.gate.more],
        "passed": checked.gate.passed,
        "rows": [{**asdict(row), "regressed": row.regressed} for row in checked.gate.rows],
        "versions": checked.gate.versions,
    }
    return lines, data


def _word(row: Comparison) -> str:
    if row.regressed:
        return "FELL"
    return "rose" if row.improved else ""


def _written(checked: Checked) -> Any:
    """Return the new baseline, beside the one that it replaced."""
    before = {entry.key: entry for entry in checked.before.entries} if checked.before else {}
    columns = ("accuracy", "was", "allowed", "seeds", "faces")
    table = plain_table(str(checked.path), "row", *columns, right=columns)
    for entry in checked.baseline.entries:
        old = before.get(entry.key)
        was = old.value.get("accuracy") if old else None
        table.add_row(
            entry.name,
            f"{entry.value['accuracy']:.3f}",
            "" if was is None else f"{was:.3f}",
            f"−{entry.tolerance['accuracy']:.3f}",
            str(entry.seeds),
            str(entry.total),
        )
    return table
