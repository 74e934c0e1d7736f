"""Choose the expressions of a training and read its crops."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from faceprep.config import TrainConfig
from faceprep.core.errors import Remedy
from faceprep.workspace.training_rows import choose_classes

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from faceprep.training.crops import Crops


def classes_of(rows: "pd.DataFrame", config: TrainConfig) -> tuple[str, ...]:
    """Expressions of a training in their order.

    Raises
    ------
    UsageError
        One that is asked for does not occur, or fewer than two do.
    """
    neutral = config.preset != "paper" if config.neutral is None else config.neutral
    return choose_classes(rows, config.classes, neutral, "train.classes")


def read_crops(
    rows: "pd.DataFrame",
    classes: Sequence[str],
    size: int,
    device: "torch.device | str" = "cpu",
    threads: int = 1,
) -> "Crops":
    """Read the crops of rows and put them on a device.

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
    people = (rows["dataset"] + "/" + rows["subject"]).tolist()
    return make_crops(
        pictures, rows.index.tolist(), rows["expression"].tolist(), people, classes, size, device
    )
