"""Arbitrate between commands that submit the same shards, possibly on different machines.

A record without a job number reserves its shards. Every command writes its record before it reads
the others', so at least one of two commands sees the other's record. A record with a job number
wins. Of two records without one, that with the larger name is withdrawn. The command with the
smaller name waits until the other record has a number or is gone, because the other command may
have read too early. The protocol does not depend on clocks.

Slurm's ``--dependency=singleton`` is no substitute: it would run both jobs one after the other, and
also delay jobs over other shards of the stage.
"""

import time
from pathlib import Path

from faceprep.execution.job import Request
from faceprep.execution.slurm.job_record import JobRecord, create_record, read_records
from faceprep.execution.slurm.queue import Queue, read_queue

_PAUSE_SECONDS = 1.0


def pause(poll_seconds: float) -> None:
    """Sleep until another command may have made progress."""
    time.sleep(min(poll_seconds, _PAUSE_SECONDS))


def reserve(
    workspace: Path, record: JobRecord, poll_seconds: float, request: Request | None = None
) -> JobRecord | None:
    """Write a record; return it if this command must submit it, None if another command does.

    `workspace`: absolute path.
    `record`: record without a folder.
    `request`: data that its tasks need besides the configuration.
    Raises `UsageError`, `FaceprepError`: as `faceprep.execution.slurm.job_record.create_record`.
    Raises `MissingToolError`, `QueueError`: as `faceprep.execution.slurm.queue.read_queue`; the
        record is removed.
    """
    mine = create_record(workspace, record, request)
    held: JobRecord | None = None
    try:
        held = _wait_for_rivals(workspace, mine, poll_seconds)
    finally:
        if held is None:
            mine.remove()
    return held


def _wait_for_rivals(workspace: Path, mine: JobRecord, poll_seconds: float) -> JobRecord | None:
    waited = False
    while True:
        queue = read_queue()
        others = [each.with_job_of(queue) for each in read_records(workspace, mine.stage)]
        rivals = [other for other in others if _overlap(mine, other, queue)]
        if any(rival.job or rival.name < mine.name for rival in rivals):
            return None
        if rivals:
            waited = True
            pause(poll_seconds)
        elif waited:  # ours may have expired meanwhile, so that others ignored it
            mine, waited = mine.renewed(), False
        else:
            return mine


def _overlap(mine: JobRecord, other: JobRecord, queue: Queue) -> bool:
    """Return whether living tasks of another record make shards of ours.

    A record without shards is the job of a verb, and overlaps with every job of that verb.
    """
    shards = {shard for task in mine.tasks for shard in task}
    return other.name != mine.name and any(
        not shards or not shards.isdisjoint(other.tasks[task])
        for task in other.alive(queue)
        if task < len(other.tasks)
    )
