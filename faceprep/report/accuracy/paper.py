"""The accuracy table as CSV and LaTeX, for publications."""

import csv
import math
from pathlib import Path
from typing import Any

from faceprep.core.files import output_file
from faceprep.report.accuracy.formats import percentage, signed
from faceprep.stages.classify.result import ClassifyResult

_MINUS = "$-$"


def write_csv(path: Path, result: ClassifyResult) -> str:
    """Write the printed table, one line per row, with shares from 0 to 1."""
    with output_file(path) as aside, aside.open("w", newline="", encoding="utf-8") as stream:
        rows = [_flat(one) for one in result.rows]
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def _flat(one: Any) -> dict[str, Any]:
    found, gain = one.accuracy, one.gain
    row: dict[str, Any] = {"arm": one.row.arm, "n_synthetic": one.row.synthetic}
    for name in ("accuracy", "balanced", "clip"):
        interval = getattr(found, name)
        row |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    row |= {"sd_of_seeds": found.spread, "seeds": len(found.by_seed)}
    row["against"] = one.against.name if one.against else ""
    for name in ("accuracy", "balanced", "error_reduction"):
        interval = getattr(gain, name) if gain else None
        for word in ("value", "low", "high"):
            column = f"gain_{name}" if word == "value" else f"gain_{name}_{word}"
            row[column] = getattr(interval, word) if interval else math.nan
    row["mcnemar_p"] = gain.mcnemar if gain else math.nan
    return {key: _cell(value) for key, value in row.items()}


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value


def latex(result: ClassifyResult) -> str:
    """Return the table in LaTeX with booktabs."""
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{tabular}{lrrrrrr}",
        r"\toprule",
        r"arm & synthetic & accuracy (\%) & 95\,\% & balanced (\%) & gain & 95\,\% \\",
        r"\midrule",
    ]
    for one in result.rows:
        found, gain = one.accuracy, one.gain
        cells = [
            one.row.arm,
            f"{one.row.synthetic:,}".replace(",", r"\,"),
            _tex(found.accuracy.value),
            _tex_ends(found.accuracy),
            _tex(found.balanced.value),
            _tex(gain.accuracy.value, sign=True) if gain else "",
            _tex_ends(gain.accuracy, sign=True) if gain else "",
        ]
        lines.append(" & ".join(cells) + r" \\")
    if result.unknown_people:
        lines.insert(1, f"% not subject-independent: {result.unknown_people}")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _tex(value: float, sign: bool = False) -> str:
    if math.isnan(value):
        return "--"
    return (signed(value) if sign else percentage(value)).replace("-", _MINUS)


def _tex_ends(interval: Any, sign: bool = False) -> str:
    if math.isnan(interval.low):
        return "--"
    return f"[{_tex(interval.low, sign)}, {_tex(interval.high, sign)}]"
