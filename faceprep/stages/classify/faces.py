"""The faces of a ``classify``: whose are on which side, and their pixels in a file that is mapped.

<workspace>/classify/faces/real-64-<key>.npy          crops of the selection, uint8, network's size
                           exprgan-64-<key>.npy       the synthetic ones, in their order
                           real-features-<key>.npy    the same as φ sees them, where an arm asks

The key follows from what decides the content: no run maps the faces of another. Of files that
differ in nothing else, the two last used stay.
"""

import contextlib
import os
import shlex
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprep.cli.commands.workspace import command
from faceprep.config import ClassifyConfig
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.files import digest, output_file
from faceprep.core.progress import Progress
from faceprep.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

_AT_ONCE = 256


@dataclass(frozen=True)
class Side:
    """Who trains, who is left out to stop on, and who is tested, in one fold for one seed.

    Attributes
    ----------
    train, held_out, test
        Rows of the faces, ascending.
    """

    train: np.ndarray
    held_out: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class RealFaces:
    """Photographed faces with an expression, in the order of the selection.

    Attributes
    ----------
    table
        Their rows, as `faceprep.workspace.load.load` gives them, with ``person`` and ``clip``.
    classes
        Expressions in the order of the labels.
    labels
        ``(N,) int64``.
    workspace
        Where they are.
    """

    table: "pd.DataFrame"
    classes: tuple[str, ...]
    labels: np.ndarray
    workspace: Path

    @property
    def people(self) -> np.ndarray:
        """``(N,)`` whose faces, as ``dataset/subject``."""
        return self.table["person"].to_numpy(str)


def load_faces(workspace: Path, config: ClassifyConfig) -> RealFaces:
    """Aligned faces of the expressions that are told apart.

    Raises
    ------
    UsageError
        There are none, or an expression that is asked for does not occur.
    """
    from faceprep.workspace.load import load
    from faceprep.workspace.training_rows import choose_classes

    faces = load(workspace, ["align"], only_ok=True)
    faces = faces[faces["expression"].notna()]
    classes = choose_classes(faces, config.classes, config.neutral, "classify.classes")
    faces = faces[faces["expression"].isin(classes)].copy()
    faces["person"] = faces["dataset"] + "/" + faces["subject"]
    # A sequence goes from neutral to its peak: each expression that it shows is a clip.
    whole = faces["person"] + "/" + faces["sequence"].fillna("") + "/" + faces["expression"]
    faces["clip"] = whole.where(faces["sequence"].notna(), "")
    places = {name: number for number, name in enumerate(classes)}
    labels = faces["expression"].map(places).to_numpy(np.int64)
    return RealFaces(faces, classes, labels, workspace)


def folds_of(faces: RealFaces, wanted: int | None) -> list[int | None]:
    """Folds to go through; one None for the dataset's own split.

    Raises
    ------
    UsageError
        The selection has other folds, or the split no test.
    """
    known = sorted(int(fold) for fold in faces.table["fold"].unique() if fold >= 0)
    anew = command(Workspace(faces.workspace), "align")
    other = f"--folds {len(known)}, or: " if len(known) > 1 else ""
    if wanted is None:
        if not (faces.table["split"] == "test").any():
            raise UsageError(
                "no face of the selection is in the split test",
                f"{other}{anew} --set select.split=random",
            )
        return [None]
    if len(known) != wanted:
        have = f"{len(known)} folds" if known else "no folds"
        raise UsageError(
            f"--folds {wanted}: the selection has {have}",
            f"{other}{anew} --set select.folds={wanted}",
        )
    return list(known)


def side_of(faces: RealFaces, fold: int | None, seed: int, share: float) -> Side:
    """Put every face on its side; those left out follow from seed and fold, never from the row.

    Parameters
    ----------
    fold
        Whose people are tested; None for the split, whose ``val`` is left out where there is one.
    seed, share
        Which part of the training people is left out elsewhere, one person at least.

    Raises
    ------
    UsageError
        Nobody trains, or fewer than two people where none is in ``val``.
    """
    from faceprep.workspace.training_rows import sides_of

    sides = sides_of(faces.table, fold).to_numpy(str)
    train, held = sides == "train", sides == "val"
    people = np.unique(faces.people[train])
    if held.any() and not len(people):
        raise UsageError(
            "no face of the selection is in the split train",
            f"{command(Workspace(faces.workspace), 'align')} --set select.split=random",
        )
    if not held.any():
        if len(people) < 2:
            raise UsageError(
                f"{len(people)} training people, 2 are needed: one is left out to stop on",
                f"faceprep show {shlex.quote(str(faces.workspace))}   counts them",
            )
        random = np.random.default_rng([seed, 0 if fold is None else fold + 1])
        count = min(max(round(share * len(people)), 1), len(people) - 1)
        held = train & np.isin(faces.people, random.permutation(people)[:count])
    return Side(*(np.flatnonzero(mask) for mask in (train & ~held, held, sides == "test")))


def refuse_shared(faces: RealFaces, fold: int | None) -> None:
    """Refuse a selection that has somebody of the test on another side too.

    Raises
    ------
    FaceprepError
        Naming whom, and what saw them.
    """
    from faceprep.metrics.leaks import refuse_leaks
    from faceprep.workspace.training_rows import sides_of

    sides = sides_of(faces.table, fold).to_numpy(str)
    people = {side: faces.people[sides == side].tolist() for side in ("train", "val", "test")}
    touched = {"the classifier's training": people["train"], "early stopping": people["val"]}
    anew = command(Workspace(faces.workspace), "select") + " --overwrite"
    refuse_leaks(people["test"], touched, dict.fromkeys(touched, anew))


@dataclass(frozen=True)
class Kept:
    """A file of arrays that is made once, and mapped by every process that needs it."""

    path: Path
    key: str

    def read(self) -> np.ndarray:
        """Map it; what is written to the array stays in this process.

        Raises
        ------
        FaceprepError
            Other runs removed it.
        """
        try:
            return np.load(self.path, mmap_mode="c")
        except FileNotFoundError:
            raise FaceprepError(
                f"{self.path} is gone: other classify runs in this workspace took its place",
                "finished trainings are saved; the same command goes on",
            ) from None

    def is_whole(self) -> bool:
        """Whether it is there, as long as its header says."""
        try:
            np.load(self.path, mmap_mode="r")
        except (OSError, ValueError, EOFError):
            return False
        return True


def keep(
    folder: Path,
    name: str,
    of: Any,
    make: Callable[[], tuple[tuple[int, ...], np.dtype[Any], Any]] | None,
    overwrite: bool = False,
) -> Kept:
    """Make ``folder/name-<key>.npy``, unless it is there and whole.

    Parameters
    ----------
    of
        JSON-ready: what decides the content.
    make
        Gives shape, type, and an iterator over its parts in order. None: nothing is made.
    overwrite
        Make it in any case.
    """
    key = digest(of)
    path = folder / f"{name}-{key}.npy"
    kept = Kept(path, key)
    if make is None:
        return kept
    with contextlib.suppress(OSError):
        _remove_all_but_last(folder, name, path)
        os.utime(path)  # a run that comes to tidy sees that it is in use
    if not overwrite and kept.is_whole():
        return kept
    with output_file(path, "make room") as temporary:
        shape, kind, parts = make()
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=kind, shape=shape)
        at = 0
        for part in parts:
            array[at : at + len(part)] = part
            at += len(part)
        array.flush()
        del array
    return kept


def _remove_all_but_last(folder: Path, name: str, own: Path) -> None:
    """Remove other files of the name but the last used one, which a run beside may need."""
    found = [path for path in folder.glob(f"{name}-*.npy") if path != own]
    others = [path for path in found if path.stem.rpartition("-")[0] == name]
    for path in sorted(others, key=lambda path: path.stat().st_mtime)[:-1]:
        path.unlink(missing_ok=True)


def keep_pixels(
    folder: Path,
    name: str,
    table: "pd.DataFrame",
    size: int,
    threads: int,
    progress: Progress,
    redo: str,
    dry_run: bool = False,
    overwrite: bool = False,
) -> Kept:
    """Decode the crops of a table once, ``(N, S, S, 3) uint8``; nothing in a dry run.

    Parameters
    ----------
    table
        With ``crop`` and ``crop_sha256``.
    redo
        The command that makes a crop anew, for the error.

    Raises
    ------
    FaceprepError
        A crop cannot be read.
    """

    def make() -> tuple[tuple[int, ...], np.dtype[Any], Any]:
        progress.say(f"classify: reading {len(table):,} crops ({name})")
        return (len(table), size, size, 3), np.dtype(np.uint8), _decoded(table, size, threads, redo)

    content = [table["crop_sha256"].tolist(), size]
    return keep(folder, f"{name}-{size}", content, None if dry_run else make, overwrite)


def _decoded(table: "pd.DataFrame", size: int, threads: int, redo: str) -> Any:
    from faceprep.metrics.workspace_faces import reduce_crop
    from faceprep.workspace.crops import read_crop

    def read(path: str) -> np.ndarray:
        return reduce_crop(read_crop(path, redo), size)

    paths = table["crop"].tolist()
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(paths), _AT_ONCE):
            yield np.stack(list(pool.map(read, paths[start : start + _AT_ONCE])))


def keep_features(
    folder: Path,
    name: str,
    pixels: Kept,
    features: Any,
    device: str,
    progress: Progress,
    dry_run: bool = False,
    overwrite: bool = False,
) -> Kept:
    """φ of faces and their mirror images, ``(N, 2, D) float16``, for logistic regression."""
    from faceprep.stages.classify.logistic import describe

    def make() -> tuple[tuple[int, ...], np.dtype[Any], Any]:
        images = pixels.read()
        first = describe(features, images[:1], device)
        return (len(images), *first.shape[1:]), first.dtype, parts(images)

    def parts(images: np.ndarray) -> Any:
        progress.start("features", len(images))
        try:
            for start in range(0, len(images), _AT_ONCE):
                yield describe(features, images[start : start + _AT_ONCE], device)
                progress.update(min(start + _AT_ONCE, len(images)))
        finally:
            progress.finish()

    content = [pixels.key, features.provenance()]
    return keep(folder, f"{name}-features", content, None if dry_run else make, overwrite)


def same_pictures(faces: RealFaces, train: Sequence[int], test: Sequence[int]) -> int:
    """Test faces whose crop is, byte for byte, one of the training's."""
    checksums = faces.table["crop_sha256"].to_numpy(object)
    known = {one for one in checksums[list(train)] if one is not None}
    return sum(one in known for one in checksums[list(test)])
