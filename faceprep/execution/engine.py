"""The engines by name."""

import functools
from collections.abc import Callable

from faceprep.execution import local
from faceprep.execution.dask import engine as dask
from faceprep.execution.job import Engine
from faceprep.execution.slurm import engine as slurm


def _ignore(words: str) -> None:
    """Do nothing with a message."""


def load_engine(
    name: str,
    note: Callable[[str], None] = _ignore,
    say: Callable[[str], None] = _ignore,
) -> Engine:
    """Return the engine of a name in `faceprep.config.Config.engine`.

    Parameters
    ----------
    note
        Takes a few lines on the current state; only an engine with a queue calls it.
    say
        Takes one line on an event; only an engine with a queue calls it.
    """
    if name == "slurm":
        return functools.partial(slurm.run, note=note, say=say)
    return {"local": local.run, "dask": dask.run}[name]
