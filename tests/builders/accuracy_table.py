"""Accuracy tables with planted accuracies, and their baselines."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from faceprep.evaluation.check.baseline import Baseline
from faceprep.evaluation.check.table import summarise
from faceprep.workspace.schemas import METADATA_KEY

SPREAD = (-0.02, -0.01, 0.0, 0.01, 0.02)


def planted_table(
    accuracies: dict[int, float],
    seeds: int = 5,
    total: int = 200,
    folds: int = 1,
    arm: str = "flips",
) -> pd.DataFrame:
    """Return a table of given accuracies, with deviations between the seeds."""
    rows = []
    for count, accuracy in accuracies.items():
        for seed in range(seeds):
            for fold in range(folds):
                correct = round((accuracy + SPREAD[seed % 5]) * total)
                rows.append(
                    {
                        "generator": "exprgan",
                        "arm": arm,
                        "n_synthetic": count,
                        "seed": seed,
                        "fold": fold if folds > 1 else -1,
                        "correct": correct,
                        "total": total,
                        "accuracy": correct / total,
                        "balanced_accuracy": correct / total - 0.01,
                        "clip_accuracy": correct / total,
                        "ci_low": 0.5,
                        "ci_high": 0.9,
                    }
                )
    return pd.DataFrame(rows)


def baseline_of(table: pd.DataFrame) -> Baseline:
    return Baseline(summarise(table), {"train.steps": 300}, "the first", {"torch": "2.6.0"})


def table_workspace(root: Path, table: pd.DataFrame, **settings: object) -> Path:
    """Write a workspace with nothing but a table; return its root."""
    (root / "classify").mkdir(parents=True, exist_ok=True)
    record = {"settings": {"updates": 600, "seeds": 5, **settings}, "versions": {"torch": "2.6.0"}}
    content = pa.Table.from_pandas(table, preserve_index=False)
    content = content.replace_schema_metadata({METADATA_KEY: json.dumps(record).encode()})
    pq.write_table(content, root / "classify" / "accuracy.parquet")
    return root


TABLE = planted_table({0: 0.70, 3000: 0.80})
