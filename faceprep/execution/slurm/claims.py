"""Who submits when two commands are about to submit the same shards, from whatever machines.

Both have made their claims before either looks for others, so that at least one sees the other.
One with a job's number has won. Of two without one the smaller name has, but its owner cannot know
whether the other looked before there was anything to see: it waits until that one has a number, or
is gone. Names and clocks decide nothing else.
"""

import time
from pathlib import Path

from faceprep.execution.slurm.job_record import Array, arrays
from faceprep.execution.slurm.queue import Queue, look

_PAUSE_SECONDS = 1.0


def pause(poll_seconds: float) -> None:
    """Sleep until another command may have come further."""
    time.sleep(min(poll_seconds, _PAUSE_SECONDS))


def hold(workspace: Path, mine: Array, poll_seconds: float) -> Array | None:
    """Return a claim when it is to be submitted; remove it, and return None, when another is.

    Raises
    ------
    MissingToolError, QueueError
        As `faceprep.execution.slurm.queue.look`; the claim is removed.
    """
    held: Array | None = None
    try:
        held = _hold(workspace, mine, poll_seconds)
    finally:
        if held is None:
            mine.remove()
    return held


def _hold(workspace: Path, mine: Array, poll_seconds: float) -> Array | None:
    waited = False
    while True:
        queue = look()
        others = [each.numbered(queue) for each in arrays(workspace, mine.stage)]
        rivals = [other for other in others if _meet(mine, other, queue)]
        if any(rival.job or rival.name < mine.name for rival in rivals):
            return None
        if rivals:
            waited = True
            pause(poll_seconds)
        elif waited:  # ours may have come of age meanwhile, and been overlooked
            mine, waited = mine.renewed(), False
        else:
            return mine


def _meet(mine: Array, other: Array, queue: Queue) -> bool:
    """Whether another array's living tasks have shards of ours; a job without any is the verb."""
    shards = {shard for task in mine.tasks for shard in task}
    return other.name != mine.name and any(
        not shards or not shards.isdisjoint(other.tasks[task])
        for task in other.alive(queue)
        if task < len(other.tasks)
    )
