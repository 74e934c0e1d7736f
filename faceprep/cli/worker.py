"""The command of a Slurm job: ``python -m faceprep.cli.worker FOLDER``.

It reads the record in the job's folder, plans the shards of its task as a local command would, and
makes the unfinished ones. A task that is started again continues where it stopped.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from faceprep.cli.exit_codes import DONE, FAILED, STOPPED
from faceprep.cli.remedies import spell
from faceprep.cli.single_jobs import SINGLE_JOBS
from faceprep.config import Config
from faceprep.core.device import choose_device
from faceprep.core.errors import TYPED, FaceprepError, Remedy
from faceprep.core.progress import Progress
from faceprep.core.signals import Interruption
from faceprep.execution.plan import Options, config_hash
from faceprep.execution.runner import run_stage
from faceprep.execution.slurm.job_record import JobRecord, read_record
from faceprep.execution.slurm.node import config_on_node, requeue_at_notice
from faceprep.execution.slurm.verb import begin, write_result
from faceprep.stages import load_stage
from faceprep.workspace import Workspace, synthetic


def main(folder: Path) -> int:
    """Run the task given by Slurm's environment variables, and return the exit code."""
    record = read_record(folder)
    single = record.stage in SINGLE_JOBS
    # A job submitted by an array task inherits that task's number.
    task = 0 if single else int(os.environ.get("SLURM_ARRAY_TASK_ID", "0"))
    record.clear_error(task)
    TYPED.set(tuple(record.typed))
    try:
        with Interruption() as interruption:
            return run_verb(record) if single else make_shards(record, task)
    except KeyboardInterrupt:
        print(f"stopped by {interruption.name}", file=sys.stderr)
        return interruption.exit_code
    except FaceprepError as error:
        hint = spell(error.hint)
        record.write_error(task, error.message, hint, error.exit_code)
        print(f"error: {error.message}\n  → {hint}", file=sys.stderr)
        return error.exit_code


def make_shards(record: JobRecord, task: int) -> int:
    """Make the shards of a task; return 1 if any failed.

    FaceprepError if this node resolves other settings than the submitting machine.
    """
    config = config_on_node(record)
    workspace = Workspace(config.workspace)
    stamps = workspace.stamps(record.stage)
    made = set[int]()
    if record.overwrite or record.retry_failed:  # otherwise the marker decides
        mine = stamps.keys() & set(record.tasks[task])
        made = {shard for shard in mine if stamps[shard] != record.before.get(shard)}
    requeue_at_notice(lambda: workspace.stamps(record.stage) != stamps, task)
    options = Options(
        overwrite=record.overwrite,
        retry_failed=record.retry_failed,
        only=frozenset(record.tasks[task]) - made,
    )
    augmenting = record.stage.startswith(f"{synthetic.STAGE}/")
    failed = (augment if augmenting else run_stage_of)(record, config, options)
    for shard, error in failed.items():
        print(f"error: {record.stage} shard {shard}: {error}", file=sys.stderr)
    return FAILED if failed else DONE


def run_stage_of(record: JobRecord, config: Config, options: Options) -> Mapping[int, str]:
    """Bring a stage up to date with the settings recorded at submission."""
    stage = load_stage(record.stage)
    if config_hash(stage, config) != record.settings:
        raise FaceprepError(
            f"{os.uname().nodename} resolves other settings of {stage.name} than the machine that"
            " submitted the job: a package, a weight file or OpenFace is missing there or"
            " has another version",
            Remedy("doctor", note="run in a job on that node, lists what is installed there"),
        )
    return run_stage(stage, config, options, Progress()).failed


def augment(record: JobRecord, config: Config, options: Options) -> Mapping[int, str]:
    """Make the synthetic faces of a job."""
    from faceprep.stages.augment.run import run_augment
    from faceprep.stages.augment.shard import RemoteAugment

    remote = RemoteAugment.read(record.folder)
    device = choose_device(remote.device)
    return run_augment(config, remote.count, options, Progress(), device, remote).failed


def run_verb(record: JobRecord) -> int:
    """Run the verb of a single job on this node, and return the exit code."""
    job, config = SINGLE_JOBS[record.stage], config_on_node(record)
    workers = record.config.get("workers") or job.workers(config)
    overwrite = begin(record)
    inputs = job.verb.inputs(config)
    printed = job.work(config.model_copy(update={"workers": workers}), overwrite)
    if printed is None:
        return STOPPED
    text, data = printed
    print(text, flush=True)
    write_result(record, text, data, inputs, job.verb.saved(config))
    return DONE


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
