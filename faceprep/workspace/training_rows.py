"""Choose the faces and the expressions of a training."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from faceprep.core.errors import Again, FaceprepError, Remedy, UsageError
from faceprep.core.vocabulary import EXPRESSIONS
from faceprep.workspace.load import load

if TYPE_CHECKING:
    import pandas as pd


def training_rows(
    workspace: Path,
    split: str = "train",
    classes: Sequence[str] | None = None,
    fold: int | None = None,
) -> "pd.DataFrame":
    """Return the aligned and labelled faces of one side of the split, in the order of `select`.

    Parameters
    ----------
    split
        ``train``, or ``val`` for monitoring. ``test`` is refused.
    fold
        Test fold of a cross-validation: all other subjects are ``train`` and none is ``val``,
        independent of the split.

    Raises
    ------
    UsageError
        The split or fold does not exist, or the workspace has no aligned faces.
    FaceprepError
        A subject of these rows is also in ``test`` (or in the fold).
    """
    if split not in ("train", "val"):
        raise UsageError(f"a training does not look at {split!r}", "it takes train or val")
    faces = load(workspace, ["align"], only_ok=True, existing=False)
    sides = sides_of(faces, fold)
    rows = faces[(sides == split) & faces["expression"].notna()]
    if classes is not None:
        rows = rows[rows["expression"].isin(list(classes))]
    tested = faces.loc[sides == "test", ["dataset", "subject"]]
    both = rows.merge(tested.drop_duplicates(), on=["dataset", "subject"])
    if len(both):
        raise FaceprepError(
            f"{both['subject'].iloc[0]} is in {split} and in test: nothing was trained",
            Remedy("select", Path(workspace), {"overwrite": True}, resume=True),
        )
    return rows


def sides_of(faces: "pd.DataFrame", fold: int | None = None) -> "pd.Series[str]":
    """Return the side of every face: its split, or the side by fold.

    With a fold, that fold is ``test``, all others are ``train``, and faces without a fold (-1) have
    an empty string.

    Raises
    ------
    UsageError
        The fold does not exist.
    """
    if fold is None:
        return faces["split"]
    known = sorted(int(one) for one in faces["fold"].unique() if one >= 0)
    if fold not in known:
        some = f"folds {known[0]} to {known[-1]}" if known else "no folds"
        other = Again({"train.fold": known[-1] if known else "none"})
        raise UsageError(f"there is no fold {fold}: these faces have {some}", other)
    sides = faces["split"].where(faces["fold"] < 0, "train").where(faces["fold"] != fold, "test")
    return sides.where(faces["fold"] >= 0, "")


def choose_classes(
    rows: "pd.DataFrame", classes: Sequence[str] | None, neutral: bool, key: str
) -> tuple[str, ...]:
    """Return the expressions to train on, in order: the configured ones, or those of the rows.

    Parameters
    ----------
    rows
        Rows with the column ``expression``.
    classes
        Value of the setting; None for the expressions of the rows.
    neutral
        Whether to include neutral in the expressions of the rows.
    key
        Name of the setting, for the error.

    Raises
    ------
    UsageError
        An expression of the setting does not occur, or fewer than two do.
    """
    present = set(rows["expression"])
    found = [name for name in EXPRESSIONS if name in present and (neutral or name != "neutral")]
    if classes is not None:
        missing = [name for name in classes if name not in present]
        if missing:
            right = [name for name in classes if name in present]
            raise UsageError(
                f"no training face shows '{missing[0]}' ({key}), but {', '.join(found)}",
                Again({key: right if len(right) > 1 else found}),
            )
        found = list(classes)
    if len(found) < 2:
        raise UsageError(
            f"the training faces show {len(found)} expressions, at least 2 are needed",
            "select frames of more expressions",
        )
    return tuple(found)
