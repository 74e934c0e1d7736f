"""What a task of an array does, on its node: ``python -m faceprep.execution.slurm.task FOLDER``.

It reads the array's folder, plans its shards as the command would do here and now, and makes those
that are not done: a task that runs again, for whatever reason, goes on where it was.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from faceprep.config import Config
from faceprep.core.errors import FaceprepError
from faceprep.core.progress import Progress
from faceprep.execution.slurm.job_record import Array, read
from faceprep.workspace import Workspace

if TYPE_CHECKING:
    from faceprep.execution.job import Errand

#: Stages that are one job, without an array.
SINGLE = ("train", "classify")

_NOT_THE_SAME = (
    "a package, a weight file or OpenFace is missing on the node, or is another version there"
)


def main(folder: Path) -> int:
    """Do the task that Slurm's variables name; return the exit code."""
    array = read(folder)
    single = array.stage in SINGLE
    # A job that was submitted by a task of an array inherits that task's number.
    task = 0 if single else int(os.environ.get("SLURM_ARRAY_TASK_ID", "0"))
    array.clear_error(task)
    try:
        if single:
            from faceprep.execution.slurm.single import run_here

            return run_here(array)
        return make_shards(array, task)
    except FaceprepError as error:
        array.write_error(task, error)
        print(f"error: {error.message}\n  → {error.hint}", file=sys.stderr)
        return error.exit_code


def make_shards(array: Array, task: int) -> int:
    """Make the shards of a task; exit code 1 when one could not be made.

    Raises
    ------
    FaceprepError
        When this node would make them with other settings, or cannot go on at all.
    """
    from faceprep.execution.options import Options

    config = here(array)
    workspace = Workspace(config.workspace)
    stamps = workspace.stamps(array.stage)
    made = set[int]()
    if array.overwrite or array.retry_failed:  # otherwise a marker says itself whether it counts
        mine = stamps.keys() & set(array.tasks[task])
        made = {shard for shard in mine if stamps[shard] != array.before.get(shard)}
    queue_again_at_notice(lambda: workspace.stamps(array.stage) != stamps, task)
    options = Options(
        overwrite=array.overwrite,
        retry_failed=array.retry_failed,
        only=frozenset(array.tasks[task]) - made,
    )
    failed = (array.errand() or _stage(array))(config, options, Progress())
    for shard, error in failed.items():
        print(f"error: {array.stage} shard {shard}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _stage(array: Array) -> "Errand":
    """Bring the stage of an array up to date, with the settings that it was submitted with."""
    from faceprep.execution.options import Options
    from faceprep.execution.plan import config_hash
    from faceprep.execution.runner import run_stage
    from faceprep.stages import load_stage

    stage = load_stage(array.stage)

    def errand(config: Config, options: Options, progress: Progress) -> dict[int, str]:
        if config_hash(stage, config) != array.settings:
            raise FaceprepError(
                f"{os.uname().nodename} comes to other settings of {stage.name} than the machine"
                f" that submitted the job: {_NOT_THE_SAME}",
                "faceprep doctor   in a job on that node says what it has",
            )
        return run_stage(stage, config, options, progress).failed

    return errand


def here(array: Array) -> Config:
    """Return the configuration of an array, for a run on this node alone."""
    config = Config.model_validate(array.config)
    cpus = config.slurm.task(array.stage).cpus
    return config.model_copy(update={"engine": "local", "workers": cpus})


def requeue(task: int | None = None) -> bool:
    """Ask Slurm to run this job again later; it ends soon after. Whether Slurm will.

    Parameters
    ----------
    task
        Of an array, to be queued alone; None for a job that is none. The number of the job itself
        does not do: one task of every array has that of the whole array.
    """
    if task is None:
        job = os.environ.get("SLURM_JOB_ID", "")
    else:
        job = f"{os.environ.get('SLURM_ARRAY_JOB_ID', '')}_{task}"
    words = ["scontrol", "requeue", job]
    try:
        done = subprocess.run(words, check=False, capture_output=True, text=True)
    except OSError as error:  # a container without Slurm's commands
        print(f"job {job}: no scontrol: {error.strerror}", file=sys.stderr, flush=True)
        return False
    said = done.stderr.strip() if done.returncode else "queued again"
    print(f"job {job}: {said}", file=sys.stderr, flush=True)
    return done.returncode == 0


def queue_again_at_notice(advanced: Callable[[], bool], task: int | None = None) -> None:
    """Queue the task again before its time limit, if its stage has advanced meanwhile.

    One that makes nothing would be queued again forever; it runs into its limit, as does one that
    cannot ask Slurm, and whoever waits submits what is left.
    """

    def notice(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):  # it would be raised in the middle of a shard
            if advanced():
                requeue(task)

    signal.signal(signal.SIGUSR1, notice)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
