"""A job: one shard of one stage, and its outcome."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from faceprep.config import Config
from faceprep.execution.stage import ShardedStage
from faceprep.workspace import Marker, Workspace


class Request(Protocol):
    """What a task of a cluster needs beyond the configuration to make the shards of a job."""

    def write(self, folder: Path) -> None:
        """Write it into the folder of the submitted job."""
        ...


@dataclass(frozen=True)
class Job:
    """Everything that a worker needs to make one shard.

    Attributes
    ----------
    stage, shard
        The stage and the number of the shard.
    config
        Resolved configuration.
    input_hash, config_hash
        Hashes of the input and of the settings.
    keep_ok
        Keep the rows whose status is ``ok``.
    before
        Modification time (ns) of the marker of a finished shard that is to be redone; None if a
        finished shard is left alone.
    """

    stage: ShardedStage
    shard: int
    config: Config
    input_hash: str
    config_hash: str
    keep_ok: bool = False
    before: int | None = None

    def is_done(self, workspace: Workspace) -> bool:
        """Return whether the shard is finished, with this input and these settings."""
        return workspace.is_done(self.stage.name, self.shard, self.input_hash, self.config_hash)

    def request(self) -> Request | None:
        """Return what a task of a cluster needs beyond the configuration; a stage needs nothing."""
        return None


#: Makes the shard of a job, in whatever process an engine chose.
Work = Callable[[Job], Marker]


@dataclass(frozen=True)
class Outcome:
    """Result of a job: a marker, or the error that ended it."""

    job: Job
    marker: Marker | None = None
    error: BaseException | None = None


class Engine(Protocol):
    """Runs ``work`` once per job, in the processes of its choice.

    Engines differ only in how they launch the work. The work writes its own shard; nothing large
    travels back.
    """

    def __call__(self, jobs: Sequence[Job], work: Work, workers: int) -> Iterator[Outcome]:
        """Yield the outcome of every job, in any order."""
        ...


class ShardError(RuntimeError):
    """Error that ended a shard on another machine, as text.

    Attributes
    ----------
    log
        Last lines of the log.
    """

    def __init__(self, message: str, log: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.log = list(log)


class WorkerKilledError(RuntimeError):
    """The worker process died (killed, or out of memory) at each attempt at this shard."""
