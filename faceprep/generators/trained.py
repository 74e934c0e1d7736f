"""Load the trained generators of a workspace."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.core.errors import FaceprepError, Hint, Remedy
from faceprep.core.vocabulary import DEFAULT_GENERATOR

if TYPE_CHECKING:
    from faceprep.training.checkpoint import Checkpoint


def load_trained(
    workspace: Path, generator: str = DEFAULT_GENERATOR, device: str = "cpu"
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
    from faceprep.workspace.discover import trained_file

    path = trained_file(workspace, generator)
    with _trained_again(workspace, generator):
        return load_generator(path, device=device)


def read_trained(
    workspace: Path, generator: str = DEFAULT_GENERATOR, *, whole: bool = False
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
    from faceprep.workspace.discover import trained_file

    path = trained_file(workspace, generator)
    with _trained_again(workspace, generator):
        file = checkpoint.read(path)
        if whole:
            file.load()
    return file


@contextmanager
def _trained_again(workspace: Path, name: str) -> Iterator[None]:
    """Let the error about a damaged file suggest the training of this workspace."""
    try:
        yield
    except FaceprepError as error:
        if not _suggests_training(error.hint):
            raise
        again = Remedy("train", workspace, {"generator": name, "overwrite": True}, resume=True)
        raise type(error)(error.message, again) from None


def _suggests_training(hint: Hint | None) -> bool:
    parts = hint if isinstance(hint, tuple) else (hint,)
    return any(
        part.verb == "train" if isinstance(part, Remedy) else "faceprep train" in (part or "")
        for part in parts
    )
