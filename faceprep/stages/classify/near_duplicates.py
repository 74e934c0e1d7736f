"""Near duplicates of test faces among the synthetic faces, cached in a file."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from faceprep.core.files import digest, write_json
from faceprep.metrics.identity import embed
from faceprep.metrics.near_duplicates import (
    Closest,
    Group,
    NearDuplicates,
    Nearness,
    find_near_duplicates,
)
from faceprep.stages.classify.plan import Plan

#: Most training photographs, and most test photographs, to compare with.
_MOST_PHOTOGRAPHS = 2000


def compare_with_test(plan: Plan, features: Any) -> NearDuplicates:
    """Compare synthetic and training faces with the test faces.

    `features`: face features φ.
    """
    path = plan.folder / "faces" / "near-duplicates.json"
    count = plan.config.classify.near_duplicates
    arrays = [[one.name, plan.arrays[one.name].key] for one in plan.synthetic.values()]
    splits = [[side.tolist() for side in vars(plan.split(fold)).values()] for fold in plan.folds]
    source = [arrays, plan.arrays["real"].key, splits, count, features.provenance()]
    key = digest(source)
    known = _read(path, key)
    if known is not None:
        return known
    plan.progress.say("classify: looking for near duplicates among the synthetic faces")
    groups = list(_groups(plan, features, max(count // len(plan.synthetic), 1)))
    found = find_near_duplicates(groups, str(features.name))
    write_json(path, {"key": key, **asdict(found)})
    return found


def _read(path: Path, key: str) -> NearDuplicates | None:
    try:
        values = json.loads(path.read_text())
        if values.pop("key") != key:
            return None
        values["closest"] = [Closest(**one) for one in values["closest"]]
        values |= {name: Nearness(**values[name]) for name in ("synthetic", "training")}
        return NearDuplicates(**values)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _groups(plan: Plan, features: Any, count: int) -> Iterator[Group]:
    """Yield the embeddings of each fold, with `count` synthetic faces."""
    photographs = plan.arrays["real"].read()
    most = max(_MOST_PHOTOGRAPHS // len(plan.synthetic), 1)
    for fold, made in plan.synthetic.items():
        split = plan.split(fold)
        train = _spread(np.sort(np.concatenate([split.train, split.held_out])), most)
        test, chosen = _spread(split.test, most), _spread(np.arange(len(made.table)), count)
        images = plan.arrays[made.name].read()
        yield Group(
            embed(features, images[chosen]),
            embed(features, photographs[train]),
            embed(features, photographs[test]),
            made.table.index[chosen].tolist(),
            plan.faces.face_ids[test].tolist(),
        )


def _spread(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most `most` of the rows, evenly spread."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
