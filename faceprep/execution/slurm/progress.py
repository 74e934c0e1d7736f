"""Messages about pending jobs."""

from collections.abc import Sequence

from faceprep.execution.slurm.job_record import JobRecord
from faceprep.execution.slurm.queue import Queue

#: Reasons of squeue that are not printed.
_USUAL_REASONS = {"", "None", "Priority", "JobArrayTaskLimit"}


def lines(records: Sequence[JobRecord], queue: Queue, again: int, later: Sequence[str]) -> str:
    """Return one line per job, and lines on shards to resubmit or to submit later.

    Parameters
    ----------
    again
        Number of resubmitted shards.
    later
        Reasons why some shards are not submitted yet.
    """
    found = [_line(record, queue) for record in records]
    if again:
        found.append(f"{again} shards of dead tasks submitted again")
    return "\n".join([*found, *later])


def death(record: JobRecord, task: int, queue: Queue) -> str:
    """Return a line on a dead task, with the last line of its log."""
    tail = [line for line in record.tail(task) if line.strip()]
    end = f": {tail[-1].strip()}" if tail else ""
    how = how_it_ended(record, task, queue)
    return f"{record.stage}: {how}, submitted again; log {record.log(task)}{end}"


def how_it_ended(record: JobRecord, task: int, queue: Queue) -> str:
    """Return the name and the final state of a task."""
    if not record.job:
        return "sbatch did not say whether Slurm took its job, and the queue does not show it"
    return f"task {record.job}_{task} ended ({record.state(queue, task)})"


def _line(record: JobRecord, queue: Queue) -> str:
    states = record.states(queue)
    running = sum(state.running for state in states.values())
    queued = [state for state in states.values() if state.alive and not state.running]
    ended = len(record.tasks) - running - len(queued)
    reasons = sorted({state.reason for state in queued} - _USUAL_REASONS)
    why = f" ({', '.join(reasons)})" if reasons else ""
    counts = f"{running:4} running  {len(queued):4} queued  {ended:4} ended"
    return f"job {record.job or '…':<10}{counts}{why}"
