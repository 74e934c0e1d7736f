"""Choose the expressions of a training, and read its crops and their measurements."""

from collections.abc import Collection, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprep.config import TrainConfig
from faceprep.core.landmarks import read_points
from faceprep.core.vocabulary import COLUMNS_R
from faceprep.generators.registry import spec_of
from faceprep.generators.shapes import fit_shape_model
from faceprep.generators.targets import NEUTRAL, REFERENCES, SHAPE
from faceprep.workspace.load import load
from faceprep.workspace.training_rows import choose_classes

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from faceprep.training.crops import Crops


def classes_of(rows: "pd.DataFrame", config: TrainConfig) -> tuple[str, ...]:
    """Return the expressions of a training in their order.

    Raises `UsageError`: a requested expression does not occur, or fewer than two do.
    """
    neutral = config.neutral
    if neutral is None:
        neutral = config.preset not in spec_of(config.generator).without_neutral
    return choose_classes(rows, config.classes, neutral, "train.classes")


def read_crops(
    rows: "pd.DataFrame",
    classes: Sequence[str],
    size: int,
    device: "torch.device | str" = "cpu",
    threads: int = 1,
    driven_by: Set[str] = frozenset(),
) -> "Crops":
    """Read the crops of rows, and the measurements that drive the generator, onto a device.

    Raises `FaceprepError`: a crop cannot be read.
    """
    from faceprep.training.crops import make_crops
    from faceprep.workspace.load import crops_again, read_crop

    with ThreadPoolExecutor(threads) as pool:
        pictures = list(pool.map(read_crop, rows["crop"]))
    action_units, landmarks = None, None
    sequences: list[str] | None = None
    if "action_units" in driven_by:
        action_units = rows[list(COLUMNS_R)].to_numpy(np.float32)
    if driven_by & {"action_units", "landmarks"}:
        # A face without a sequence is a sequence of its own.
        known = rows["sequence"].fillna("").to_numpy(str)
        names = np.where(known == "", rows.index.to_numpy(str), known)
        sequences = (rows["dataset"] + "/" + rows["subject"] + "/" + names).tolist()
        landmarks = np.array([read_points(one) for one in rows["align_landmarks68"]])
        landmarks = landmarks.reshape(-1, 68, 2)
    return make_crops(
        pictures,
        rows.index.tolist(),
        rows["expression"].tolist(),
        (rows["dataset"] + "/" + rows["subject"]).tolist(),
        classes,
        size,
        device,
        action_units,
        landmarks,
        sequences,
        again=crops_again(rows["crop"].iloc[0]) if len(rows) else "",
    )


#: Largest number of reference faces per expression.
_MOST = 32

#: Stored decimal places.
_PLACES = 4


def with_drivers(
    rows: "pd.DataFrame", workspace: Path, driven_by: Collection[str]
) -> "pd.DataFrame":
    """Keep the rows with the measurements that drive the generator, and add their columns.

    Raises `UsageError`: the stage that measures them has not run.
    """
    if "action_units" in driven_by:
        measured = load(workspace, ["align", "aus"], only_ok=True, existing=False)[list(COLUMNS_R)]
        rows = rows.join(measured, how="inner")
    return rows


def collect_references(
    rows: "pd.DataFrame", crops: "Crops", driven_by: Collection[str]
) -> dict[str, Any]:
    """Collect reference faces of every expression, so that the file works without a workspace.

    `rows`, `crops`: training faces in the same order.
    `driven_by`: fields of the target that the generator reads.
    Returns ``{"references": {field: {expression: [values …]}}}``, empty if nothing is needed.
        ``action_units``: 17 intensities of up to 32 faces; ``landmarks``: displacements ``(68, 2)``
        from the mean neutral face of the same sequence or subject, in sides of the crop, and
        ``shape``, the estimate of this displacement.
    """
    found: dict[str, Any] = {}
    if "action_units" in driven_by and crops.action_units is not None:
        found["action_units"] = _by_expression(rows, crops.action_units.cpu().numpy())
    if "landmarks" in driven_by and crops.landmarks is not None:
        points = crops.landmarks.cpu().numpy()
        known, moved = _displacements(rows, points)
        found["landmarks"] = _by_expression(rows.iloc[known], moved)
        if len(known):
            found[SHAPE] = fit_shape_model(points[known], moved).to_json()
    return {REFERENCES: found} if found else {}


def _displacements(rows: "pd.DataFrame", points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Subtract the mean neutral face of the same sequence, else that of the subject.

    Returns the places of the faces with a neutral face, and their displacements. In a sequence the
    pose hardly changes, so that the displacement is that of the expression.
    """
    neutral = (rows["expression"] == NEUTRAL).to_numpy()
    people = (rows["dataset"] + "/" + rows["subject"]).to_numpy(str)
    clips = np.char.add(people, ["/" + str(name) for name in rows["sequence"]])
    kept, moved = [], []
    for place, (person, clip) in enumerate(zip(people, clips, strict=True)):
        own = neutral & (clips == clip)
        own = own if own.any() else neutral & (people == person)
        if own.any():
            kept.append(place)
            moved.append(points[place] - points[own].mean(axis=0))
    return np.array(kept, int), np.array(moved).reshape(-1, *points.shape[1:])


def _by_expression(rows: "pd.DataFrame", values: np.ndarray) -> dict[str, list[Any]]:
    """Return the values of evenly spaced faces of every expression."""
    found = {}
    expressions = rows["expression"].to_numpy(str)
    for name in sorted(set(expressions)):
        places = np.flatnonzero(expressions == name)
        chosen = places[np.unique(np.linspace(0, len(places) - 1, _MOST).round().astype(int))]
        found[name] = np.round(values[chosen].astype(float), _PLACES).tolist()
    return found
