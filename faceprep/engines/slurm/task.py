"""What a task of an array does, on its node: ``python -m faceprep.engines.slurm.task FOLDER``.

It reads the array's folder, plans its shards as the command would do here and now, and makes those
that are not done: a task that runs again, for whatever reason, goes on where it was.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from faceprep.config import Config
from faceprep.engines.slurm.arrays import Array, read
from faceprep.errors import FaceprepError
from faceprep.progress import Progress
from faceprep.workspace import Workspace

if TYPE_CHECKING:
    from faceprep.shard import Errand

_NOT_THE_SAME = (
    "a package, a weight file or OpenFace is missing on the node, or is another version there"
)


def main(folder: Path) -> int:
    """Do the task that Slurm's variables name; return the exit code."""
    array = read(folder)
    task = int(os.environ.get("SLURM_ARRAY_TASK_ID", "0"))
    array.clear_error(task)
    try:
        if array.stage in ("train", "classify"):
            from faceprep.engines.slurm.single import run_here

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
    from faceprep.runner import Options

    config = here(array)
    workspace = Workspace(config.workspace)
    stamps = workspace.stamps(array.stage)
    made = {shard for shard, stamp in array.before.items() if stamps.get(shard, stamp) != stamp}
    queue_again_at_notice(lambda: workspace.stamps(array.stage) != stamps)
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
    from faceprep.runner import Options, config_hash, run_stage
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


def requeue() -> bool:
    """Ask Slurm to run this job again later; it ends soon after. Whether Slurm will."""
    job = os.environ["SLURM_JOB_ID"]
    done = subprocess.run(["scontrol", "requeue", job], check=False, capture_output=True, text=True)
    said = done.stderr.strip() if done.returncode else "queued again"
    print(f"job {job}: {said}", file=sys.stderr, flush=True)
    return done.returncode == 0


def queue_again_at_notice(advanced: Callable[[], bool]) -> None:
    """Queue the task again before its time limit, if its stage has advanced meanwhile.

    One that makes nothing would be queued again forever; it runs into its limit.
    """

    def notice(number: int, frame: FrameType | None) -> None:
        if advanced():
            requeue()

    signal.signal(signal.SIGUSR1, notice)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
