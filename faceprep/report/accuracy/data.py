"""Result of ``faceprep classify`` as JSON-ready values."""

from dataclasses import asdict
from typing import Any

import numpy as np

from faceprep.config import Config
from faceprep.execution.shard import versions
from faceprep.metrics.accuracy import Gain
from faceprep.metrics.predictions import confusion
from faceprep.report.numbers import json_values
from faceprep.stages.classify.result import ClassifyResult


def accuracy_data(config: Config, result: ClassifyResult) -> dict[str, Any]:
    """Return JSON-ready values."""
    rows = []
    for one in result.rows:
        found = one.accuracy
        rows.append(
            {
                **asdict(one.row),
                **{name: asdict(getattr(found, name)) for name in ("accuracy", "balanced", "clip")},
                "by_seed": list(found.by_seed),
                "spread": found.spread,
                "against": None if one.against is None else asdict(one.against),
                "gain": _gain(one.gain),
                "confusion": confusion(one.answers).tolist(),
            }
        )
    best = None
    if result.best is not None:
        this, other, gain = result.best
        best = {"with": asdict(this), "without": asdict(other), "gain": _gain(gain)}
    first = result.rows[0].answers
    data = {
        "kind": "classify",
        "workspace": str(config.workspace),
        "generator": result.generator,
        "classes": list(result.faces.classes),
        "test_faces": len(first.labels),
        "test_subjects": len(np.unique(first.subjects)),
        "subject_independent": result.unknown_people is None,
        "unknown_people": result.unknown_people,
        "rows": rows,
        "best": best,
        "near_duplicates": None if result.near is None else asdict(result.near),
        "notes": result.notes,
        "settings": config.classify.settings(),
        "made_of": result.made_of,
        "versions": versions(),
    }
    return dict(json_values(data))


def _gain(gain: Gain | None) -> dict[str, Any] | None:
    return None if gain is None else asdict(gain)
