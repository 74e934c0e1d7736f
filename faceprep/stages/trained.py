"""Where a trained generator lies in a workspace, and reading it."""

from pathlib import Path
from typing import TYPE_CHECKING

from faceprep.errors import UsageError

if TYPE_CHECKING:
    from faceprep.generators.base import Generator
    from faceprep.training.checkpoint import Checkpoint

STAGE = "train"


def folder_of(workspace: Path, generator: str = "exprgan") -> Path:
    """Folder of a trained generator; `generator` as `name_of` gives it."""
    return workspace / STAGE / generator


def name_of(generator: str, fold: int | None = None) -> str:
    """Name of a generator's folders: ``exprgan``, or ``exprgan-fold03`` of one without a fold."""
    return generator if fold is None else f"{generator}-fold{fold:02d}"


def file_of(workspace: Path, generator: str = "exprgan") -> Path:
    """File of a trained generator, whether it is there or not."""
    from faceprep.training.loop import USE

    return folder_of(workspace, generator) / USE


def trained_file(workspace: Path, generator: str = "exprgan") -> Path:
    """File of a trained generator.

    Raises
    ------
    UsageError
        There is none.
    """
    path = file_of(workspace, generator)
    if not path.is_file():
        _, _, fold = generator.partition("-fold")
        more = f" --set train.fold={int(fold)}" if fold.isdecimal() else ""
        ask = f"faceprep train --workspace {workspace}{more}"
        raise UsageError(f"{workspace} has no trained {generator}", ask)
    return path


def load_trained(
    workspace: Path, generator: str = "exprgan", device: str = "cpu"
) -> "tuple[Generator, Checkpoint]":
    """Read the trained generator of a workspace, ready for use, and what its file says.

    Raises
    ------
    UsageError
        There is none.
    FaceprepError
        Its file is damaged.
    """
    from faceprep.generators.store import load_generator

    return load_generator(trained_file(workspace, generator), device=device)
