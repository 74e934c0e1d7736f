"""Ask Slurm about the jobs of a workspace."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from faceprep.config import STAGES
from faceprep.core.errors import FaceprepError
from faceprep.execution.slurm.job_record import JobRecord, read_records
from faceprep.execution.slurm.queue import Queue, end_states, read_queue
from faceprep.report.summaries.results import generators
from faceprep.workspace import Workspace, synthetic


@dataclass(frozen=True)
class SlurmJobs:
    """State of the jobs of a workspace in Slurm.

    Attributes
    ----------
    queue
        Slurm's queue; None if Slurm does not answer.
    silent
        Reason why Slurm does not answer.
    jobs
        Numbers of all jobs recorded in the workspace.
    """

    queue: Queue | None
    silent: str | None = None
    jobs: tuple[str, ...] = ()

    def end(self, array: JobRecord, task: int) -> str:
        """Return the current or final state of a task as text."""
        if self.queue is None:
            return "unknown"
        state = array.states(self.queue).get(task)
        if state is not None:
            return state.state.lower()
        ended = self._ends.get(f"{array.job}_{task}") or self._ends.get(array.job)
        return (ended or "has left the queue").lower()

    @cached_property
    def _ends(self) -> dict[str, str]:
        """Query all jobs at once, on first use."""
        return end_states(self.jobs)


def ask_slurm(workspace: Workspace) -> SlurmJobs:
    """Query Slurm if the workspace records any job."""
    made = map(synthetic.stage_of, generators(workspace, synthetic.STAGE))
    stages = (*STAGES, *made, "train", "classify")
    used = [array for stage in stages for array in read_records(workspace.root, stage)]
    jobs = tuple(array.job for array in used if array.job)
    try:
        return SlurmJobs(read_queue() if used else {}, jobs=jobs)
    except FaceprepError as error:
        return SlurmJobs(None, error.message, jobs)


def last_job(workspace: Workspace, verb: str, slurm: SlurmJobs) -> dict[str, Any] | None:
    """Return number, state and log tail of the last job of a single-job verb."""
    known = read_records(workspace.root, verb)
    if not known:
        return None
    last = known[-1]
    return {"job": last.job, "state": slurm.end(last, 0), "log": last.tail(0)}
