"""Load the trained generators of a workspace."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faceprep.core.errors import Remedy
from faceprep.core.vocabulary import DEFAULT_GENERATOR
from faceprep.generators.base import Generator
from faceprep.generators.store import load_generator
from faceprep.training.checkpoint import Checkpoint, read_checkpoint
from faceprep.training.tensor_file import DamagedCheckpoint


def load_trained(
    workspace: Path, generator: str = DEFAULT_GENERATOR, device: str = "cpu"
) -> tuple[Generator, Checkpoint]:
    """Load the trained generator of a workspace, and the header of its file.

    Raises
    ------
    UsageError
        There is none.
    FaceprepError
        The file is damaged.
    """
    from faceprep.workspace.discover import trained_file

    path = trained_file(workspace, generator)
    with _trained_again(workspace, generator):
        return load_generator(path, device=device)


def read_trained(
    workspace: Path, generator: str = DEFAULT_GENERATOR, *, whole: bool = False
) -> Checkpoint:
    """Read the header of a workspace's trained generator.

    Parameters
    ----------
    whole
        Also read the tensors and verify their hash.

    Raises
    ------
    UsageError
        There is none.
    FaceprepError
        It is damaged.
    """
    from faceprep.workspace.discover import trained_file

    path = trained_file(workspace, generator)
    with _trained_again(workspace, generator):
        file = read_checkpoint(path)
        if whole:
            file.load()
    return file


@contextmanager
def _trained_again(workspace: Path, name: str) -> Iterator[None]:
    """Replace the hint of a damaged file by the training command of this workspace."""
    try:
        yield
    except DamagedCheckpoint as error:
        again = Remedy("train", workspace, {"generator": name, "overwrite": True}, resume=True)
        raise DamagedCheckpoint(error.message, again) from None
