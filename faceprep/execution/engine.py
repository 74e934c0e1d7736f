"""The engines by name."""

import functools
from collections.abc import Callable

from faceprep.execution import local
from faceprep.execution.dask import engine as dask
from faceprep.execution.job import Engine
from faceprep.execution.slurm import engine as slurm


def _ignore(words: str) -> None:
    """Ignore a message."""


def load_engine(
    name: str,
    note: Callable[[str], None] = _ignore,
    say: Callable[[str], None] = _ignore,
) -> Engine:
    """Return the engine with a name from `faceprep.config.Config.engine`.

    Parameters
    ----------
    note
        Receiver of lines on the current state; called by engines with a queue only.
    say
        Receiver of a line on an event; called by engines with a queue only.
    """
    if name == "slurm":
        return functools.partial(slurm.run, note=note, say=say)
    return {"local": local.run, "dask": dask.run}[name]
