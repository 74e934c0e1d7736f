"""Which faces of a workspace a training may see, and their pixels."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from faceprep.config import TrainConfig
from faceprep.core.errors import FaceprepError, Remedy, UsageError
from faceprep.core.vocabulary import EXPRESSIONS
from faceprep.workspace.load import load

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from faceprep.training.crops import Crops


def training_rows(
    workspace: Path,
    split: str = "train",
    classes: Sequence[str] | None = None,
    fold: int | None = None,
) -> "pd.DataFrame":
    """Aligned faces of one side of the split with an expression, in the order of the selection.

    Parameters
    ----------
    workspace
        Folder of the run.
    split
        ``train``, or ``val`` for watching. Faces of ``test`` cannot be asked for.
    classes
        Only these expressions.
    fold
        Of cross-validation: everybody else is ``train`` and nobody ``val``, whatever the split.

    Raises
    ------
    UsageError
        There is no such split or fold here, or the workspace has no aligned faces.
    FaceprepError
        Somebody in these rows is in ``test`` (or in the fold) as well.
    """
    if split not in ("train", "val"):
        raise UsageError(f"a training does not look at the split {split!r}", "train or val")
    faces = load(workspace, ["align"], only_ok=True)
    sides = sides_of(faces, fold)
    rows = faces[(sides == split) & faces["expression"].notna()]
    if classes is not None:
        rows = rows[rows["expression"].isin(list(classes))]
    tested = faces.loc[sides == "test", ["dataset", "subject"]]
    both = rows.merge(tested.drop_duplicates(), on=["dataset", "subject"])
    if len(both):
        raise FaceprepError(
            f"{both['subject'].iloc[0]} is in {split} and in test: nothing was trained",
            "faceprep select --overwrite",
        )
    return rows


def sides_of(faces: "pd.DataFrame", fold: int | None = None) -> "pd.Series[str]":
    """Return ``train``, ``val`` or ``test`` of every face: its split, or where the fold puts it.

    A face that belongs to no fold (-1) is on no side of a cross-validation: an empty word.

    Raises
    ------
    UsageError
        There is no such fold.
    """
    if fold is None:
        return faces["split"]
    known = sorted(int(one) for one in faces["fold"].unique() if one >= 0)
    if fold not in known:
        some = f"folds {known[0]} to {known[-1]}" if known else "no folds"
        raise UsageError(f"there is no fold {fold}: these faces have {some}", "train.fold=none")
    sides = faces["split"].where(faces["fold"] < 0, "train").where(faces["fold"] != fold, "test")
    return sides.where(faces["fold"] >= 0, "")


def classes_of(rows: "pd.DataFrame", config: TrainConfig) -> tuple[str, ...]:
    """Expressions of a training in their order.

    Raises
    ------
    UsageError
        One that is asked for does not occur, or fewer than two do.
    """
    neutral = config.preset != "paper" if config.neutral is None else config.neutral
    return choose_classes(rows, config.classes, neutral, "train.classes")


def choose_classes(
    rows: "pd.DataFrame", classes: Sequence[str] | None, neutral: bool, key: str
) -> tuple[str, ...]:
    """Expressions that rows show, or those of the setting `key`, in their order.

    Raises
    ------
    UsageError
        One that is asked for does not occur, or fewer than two do.
    """
    present = set(rows["expression"])
    found = [name for name in EXPRESSIONS if name in present and (neutral or name != "neutral")]
    if classes is not None:
        missing = [name for name in classes if name not in present]
        if missing:
            raise UsageError(
                f"no training face shows '{missing[0]}' ({key})",
                f"those that occur: {', '.join(found)}",
            )
        found = list(classes)
    if len(found) < 2:
        raise UsageError(
            f"the training faces show {len(found)} expressions, at least 2 are needed",
            "faceprep show WORKSPACE   counts them",
        )
    return tuple(found)


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
