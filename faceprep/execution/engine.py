"""Ways to launch the same work on every shard; they differ in launching only.

An engine is a function ``run(jobs, work, workers)`` that yields an `Outcome` for every job, in
any order. The work writes its own shard; nothing large travels back.
"""

import functools
import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from faceprep.execution.shard import Job
    from faceprep.workspace import Marker

    Work = Callable[[Job], Marker]


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a marker, or the error that ended it."""

    job: "Job"
    marker: "Marker | None" = None
    error: BaseException | None = None


class Engine(Protocol):
    """Launches ``work`` once per job."""

    def __call__(self, jobs: "Sequence[Job]", work: "Work", workers: int) -> Iterator[Outcome]:
        """Yield the outcome of every job as it comes in."""
        ...


class ShardError(RuntimeError):
    """What ended a shard on another machine, in the words of the worker there.

    Attributes
    ----------
    log
        The last lines of its log.
    """

    def __init__(self, message: str, log: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.log = list(log)


#: Name in `faceprep.config.Config.engine` → module that holds its ``run``.
_ENGINES = {
    "local": "faceprep.execution.local",
    "dask": "faceprep.execution.dask.engine",
    "slurm": "faceprep.execution.slurm.engine",
}


def load_engine(name: str, **watchers: Callable[[str], None]) -> Engine:
    """Return the engine of a name in `faceprep.config.Config.engine`.

    Parameters
    ----------
    watchers
        ``note`` takes a few lines on how things stand, ``say`` one on what has happened; only a
        queue has any.
    """
    run: Any = importlib.import_module(_ENGINES[name]).run
    return functools.partial(run, **watchers) if name == "slurm" else run
