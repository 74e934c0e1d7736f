"""Where a trained generator lies in a workspace, and reading it."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.text import nearest
from faceprep.workspace.artifacts import USE

if TYPE_CHECKING:
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
        from faceprep.report.show import is_workspace, workspace_of

        if not is_workspace(workspace):
            workspace_of(workspace, "--workspace {}", generator=True)
        raise UsageError(f"{workspace} has no trained {generator}", _command(workspace, generator))
    return path


def _command(workspace: Path, generator: str) -> str:
    """Command that trains a generator of a workspace; `generator` as `name_of` gives it."""
    from faceprep.cli.commands.train import train_command

    base, _, fold = generator.partition("-fold")
    return train_command(workspace, base, str(int(fold)) if fold.isdecimal() else None)


def file_for_use(given: Path | None, workspace: Path | None) -> Path:
    """File of the generator that somebody names, else a workspace's own.

    Raises
    ------
    UsageError
        There is none.
    """
    file = given or file_of(workspace or Path())
    if file.is_file():
        return file
    what = f"there is no generator {file}"
    if given is None:
        train = f"faceprep train --workspace {shlex.quote(str(workspace))}" if workspace else None
        raise UsageError(what, train or "faceprep train")
    if file_of(given).is_file():
        raise UsageError(
            f"{given} is a workspace, not a generator's file",
            f"--workspace {shlex.quote(str(given))}",
        )
    beside = nearest(given.name, sorted(path.name for path in given.parent.glob("*.safetensors")))
    own = "--workspace DIR takes the one that faceprep train left there"
    raise UsageError(
        what, f"--generator {shlex.quote(str(given.with_name(beside)))}" if beside else own
    )


def load_trained(
    workspace: Path, generator: str = "exprgan", device: str = "cpu"
) -> "tuple[Any, Checkpoint]":
    """Read the trained generator of a workspace, ready for use, and what its file says.

    Raises
    ------
    UsageError
        There is none.
    FaceprepError
        Its file is damaged.
    """
    from faceprep.generators.store import load_generator

    path = trained_file(workspace, generator)
    with _trained_anew(workspace, generator):
        return load_generator(path, device=device)


def read_trained(
    workspace: Path, generator: str = "exprgan", *, whole: bool = False
) -> "Checkpoint":
    """Read what the file of a workspace's trained generator says.

    Parameters
    ----------
    whole
        Read its tensors too, to see whether they are what was written.

    Raises
    ------
    UsageError
        There is none.
    FaceprepError
        It is damaged.
    """
    from faceprep.training import checkpoint

    path = trained_file(workspace, generator)
    with _trained_anew(workspace, generator):
        file = checkpoint.read(path)
        if whole:
            file.load()
    return file


@contextmanager
def _trained_anew(workspace: Path, generator: str) -> Iterator[None]:
    """Have the error about a damaged file tell how it is trained again, in its own workspace."""
    try:
        yield
    except FaceprepError as error:
        if "faceprep train --overwrite" not in str(error.hint):
            raise
        again = f"{_command(workspace, generator)} --overwrite"
        raise type(error)(error.message, again) from None
