"""Choose the expressions of a training and read its crops."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from faceprep.config import TrainConfig
from faceprep.core.action_units import COLUMNS_R
from faceprep.core.errors import Remedy
from faceprep.generators.registry import spec_of
from faceprep.workspace.training_rows import choose_classes

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from faceprep.training.crops import Crops


def classes_of(rows: "pd.DataFrame", config: TrainConfig) -> tuple[str, ...]:
    """Return the expressions of a training in their order.

    Raises
    ------
    UsageError
        A requested expression does not occur, or fewer than two do.
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
    driven_by: Collection[str] = (),
) -> "Crops":
    """Read the crops of rows, and the measurements that drive the generator, onto a device.

    Raises
    ------
    FaceprepError
        A crop cannot be read.
    """
    from faceprep.training.crops import make_crops
    from faceprep.workspace.crops import read_crop

    hint = Remedy("align", overrides={"overwrite": True})
    with ThreadPoolExecutor(threads) as pool:
        pictures = list(pool.map(lambda path: read_crop(path, hint), rows["crop"]))
    action_units, landmarks = None, None
    if "action_units" in driven_by:
        action_units = rows[list(COLUMNS_R)].to_numpy(np.float32)
    if "landmarks" in driven_by:
        points = rows["align_landmarks68"].tolist()
        landmarks = np.array(points, np.float32).reshape(-1, 68, 2)
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
    )
