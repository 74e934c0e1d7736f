"""Write the files of ``faceprep classify``: Parquet, JSON, CSV, LaTeX and a plot.

Equal trainings give equal bytes for any number of processes.
"""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from faceprep.config import Config
from faceprep.core.files import output_file
from faceprep.metrics.accuracy import accuracy_of
from faceprep.metrics.predictions import Predictions, confusion
from faceprep.report.accuracy.plot import plot_accuracy
from faceprep.report.accuracy.table import accuracy_data
from faceprep.report.numbers import percentage, signed
from faceprep.stages.classify.result import ClassifyResult
from faceprep.stages.classify.runs import TableRow
from faceprep.workspace.schemas import METADATA_KEY


def write_files(config: Config, result: ClassifyResult) -> dict[str, str]:
    """Write every file, and return the files by name; FaceprepError if one cannot be written."""
    folder, data = result.folder, accuracy_data(config, result)
    about = {key: value for key, value in data.items() if key not in ("rows", "near_duplicates")}
    written = {}
    tables = {
        "accuracy": _runs(result),
        "predictions": _predictions(result),
        "confusion": _confusions(result),
    }
    for name, table in tables.items():
        written[name] = _parquet(folder / f"{name}.parquet", table, about)
    written["csv"] = write_csv(folder / "accuracy.csv", result)
    written["tex"] = _text(folder / "accuracy.tex", latex(result))
    report = json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False)
    written["json"] = _text(folder / "accuracy.json", report + "\n")
    written["plot"] = plot_accuracy(result, folder / "accuracy.png")
    return written


def _parquet(path: Path, table: pd.DataFrame, about: dict[str, Any]) -> str:
    content = pa.Table.from_pandas(table, preserve_index=False)
    kinds = [pa.string() if pa.types.is_large_string(f.type) else f.type for f in content.schema]
    content = content.cast(pa.schema(list(zip(content.column_names, kinds, strict=True))))
    text = json.dumps({"stage": "classify", **about}, sort_keys=True, ensure_ascii=False)
    content = content.replace_schema_metadata({METADATA_KEY: text.encode()})
    with output_file(path) as aside:
        pq.write_table(content, aside, compression="zstd")
    return str(path)


def _text(path: Path, text: str) -> str:
    with output_file(path) as aside:
        aside.write_text(text, encoding="utf-8")
    return str(path)


def _key(result: ClassifyResult, row: TableRow) -> dict[str, Any]:
    return {"generator": result.generator, "arm": row.arm, "n_synthetic": row.synthetic}


def _runs(result: ClassifyResult) -> pd.DataFrame:
    """Return one row per training; fold -1 is the split of the dataset."""
    faces, rows = result.faces, []
    for run, done in zip(result.runs, result.run_results, strict=True):
        test = run.split.test
        scores = done.log_probabilities[None]
        predictions = Predictions(
            faces.labels[test], faces.subjects[test], faces.clips[test], scores
        )
        found = accuracy_of(predictions)
        rows.append(
            {
                **_key(result, run.row),
                "seed": run.seed,
                "fold": -1 if run.fold is None else run.fold,
                "correct": int(predictions.correct.sum()),
                "total": len(test),
                "accuracy": found.accuracy.value,
                "balanced_accuracy": found.balanced.value,
                "clip_accuracy": found.clip.value,
                "ci_low": found.accuracy.low,
                "ci_high": found.accuracy.high,
            }
        )
    kinds = {"n_synthetic": np.int64, "seed": np.int64, "fold": np.int16, "correct": np.int32}
    return pd.DataFrame(rows).astype({**kinds, "total": np.int32})


def _predictions(result: ClassifyResult) -> pd.DataFrame:
    """Return one row per test face and training, with the probability of every expression."""
    faces, classes = result.faces, np.array(result.faces.classes)
    parts = []
    for run, done in zip(result.runs, result.run_results, strict=True):
        test = run.split.test
        part = pd.DataFrame(
            {
                **_key(result, run.row),
                "seed": run.seed,
                "fold": np.int16(-1 if run.fold is None else run.fold),
                "face_id": done.face_ids,
                "subject": faces.subjects[test],
                "expression": classes[faces.labels[test]],
                "predicted": classes[done.log_probabilities.argmax(axis=1)],
            }
        )
        shares = np.exp(done.log_probabilities).astype(np.float32)
        for name, share in zip(classes, shares.T, strict=True):
            part[f"p_{name}"] = share
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _confusions(result: ClassifyResult) -> pd.DataFrame:
    """Return faces (mean of the seeds) by row of the table, shown and predicted expression."""
    classes, rows = result.faces.classes, []
    for one in result.rows:
        counts = confusion(one.answers)
        for i, shown in enumerate(classes):
            for j, predicted in enumerate(classes):
                rows.append(
                    {
                        **_key(result, one.row),
                        "expression": shown,
                        "predicted": predicted,
                        "faces": counts[i, j],
                        "share": counts[i, j] / max(counts[i].sum(), 1e-12),
                    }
                )
    return pd.DataFrame(rows)


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
