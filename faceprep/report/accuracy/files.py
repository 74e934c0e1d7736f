"""Write the files of ``faceprep classify``: Parquet, JSON, CSV, LaTeX and a plot.

Equal trainings give equal bytes for any number of processes.
"""

import json
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
from faceprep.report.accuracy.data import accuracy_data
from faceprep.report.accuracy.paper import latex, write_csv
from faceprep.report.accuracy.plot import plot_accuracy
from faceprep.stages.classify.result import ClassifyResult
from faceprep.workspace.schemas import METADATA_KEY


def write_files(config: Config, result: ClassifyResult) -> dict[str, str]:
    """Write every file, and return the files by name.

    Raises
    ------
    FaceprepError
        A file cannot be written.
    """
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


def _runs(result: ClassifyResult) -> pd.DataFrame:
    """Return one row per training; fold -1 is the split of the dataset."""
    faces, rows = result.faces, []
    for run, done in zip(result.runs, result.run_results, strict=True):
        test = run.split.test
        predictions = Predictions(
            faces.labels[test],
            faces.subjects[test],
            faces.clips[test],
            done.log_probabilities[None],
        )
        found = accuracy_of(predictions)
        rows.append(
            {
                "generator": result.generator,
                "arm": run.row.arm,
                "n_synthetic": run.row.synthetic,
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
                "arm": run.row.arm,
                "n_synthetic": run.row.synthetic,
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
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "generator", result.generator)
    return table


def _confusions(result: ClassifyResult) -> pd.DataFrame:
    """Return faces (mean of the seeds) by row of the table, shown and predicted expression."""
    classes, rows = result.faces.classes, []
    for one in result.rows:
        counts = confusion(one.answers)
        for i, shown in enumerate(classes):
            for j, predicted in enumerate(classes):
                rows.append(
                    {
                        "generator": result.generator,
                        "arm": one.row.arm,
                        "n_synthetic": one.row.synthetic,
                        "expression": shown,
                        "predicted": predicted,
                        "faces": counts[i, j],
                        "share": counts[i, j] / max(counts[i].sum(), 1e-12),
                    }
                )
    return pd.DataFrame(rows)
