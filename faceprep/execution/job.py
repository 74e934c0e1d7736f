"""A job: one shard of one stage, and its outcome."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from faceprep.config import Config
from faceprep.execution.stage import ShardedStage
from faceprep.workspace import Marker, Workspace


class Request(Protocol):
    """Data that a cluster task needs, besides the configuration, to make shards."""

    def write(self, folder: Path) -> None:
        """Write the data into the folder of the submitted job."""
        ...


@dataclass(frozen=True)
class Job:
    """Input of a worker that makes one shard."""

    #: The stage and the number of the shard.
    stage: ShardedStage
    shard: int
    config: Config  # resolved configuration
    #: Hashes of the input and of the settings.
    input_hash: str
    config_hash: str
    keep_ok: bool = False  # keep the rows whose status is ``ok``
    #: Modification time (ns) of the marker of a finished shard to redo; None to keep a finished
    #: shard.
    before: int | None = None

    def is_done(self, workspace: Workspace) -> bool:
        """Return whether the shard is finished with this input and these settings."""
        return workspace.is_done(self.stage.name, self.shard, self.input_hash, self.config_hash)

    def request(self) -> Request | None:
        """Return the data that a cluster task needs besides the configuration, if any."""
        return None


#: Function that makes the shard of a job, in a process chosen by the engine.
Work = Callable[[Job], Marker]


@dataclass(frozen=True)
class Outcome:
    """Result of a job: a marker or an error."""

    job: Job
    marker: Marker | None = None
    error: BaseException | None = None


class Engine(Protocol):
    """Interface of an engine, which runs ``work`` once per job.

    Engines differ only in how they launch the work. The work writes its own shard and returns only
    a marker.
    """

    def __call__(self, jobs: Sequence[Job], work: Work, workers: int) -> Iterator[Outcome]:
        """Yield the outcome of every job, in any order."""
        ...


class ShardError(RuntimeError):
    """Error of a shard on another machine, as text.

    Attributes
    ----------
    log
        Last lines of the log.
    """

    def __init__(self, message: str, log: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.log = list(log)


class WorkerKilledError(RuntimeError):
    """Error for a worker that died (killed, or out of memory) in all attempts at a shard."""
