"""The verb ``augment``: make N synthetic faces with a trained generator.

The faces are balanced over the expressions. The first n faces are equal for every N, so the set of
60 000 contains the set of 3000 (Ding et al. 2018, Table 1). While generator, sources and settings
are unchanged, existing faces are kept, even if N is smaller. Faces with other settings are replaced
with ``--overwrite`` only, shard by shard as the new ones are finished.
"""

import time
from typing import Any, cast

from faceprep.config import Config
from faceprep.config.sources import flatten
from faceprep.core.disk import shortage
from faceprep.core.errors import Again, FaceprepError
from faceprep.core.files import digest
from faceprep.core.progress import Progress
from faceprep.execution.job import Engine, Work
from faceprep.execution.plan import Options
from faceprep.execution.runner import run_jobs
from faceprep.execution.shard import one_thread, versions
from faceprep.execution.slurm.queue import read_queue
from faceprep.execution.slurm.submission import Submission, submit_missing
from faceprep.stages.augment.gpu_engine import device_of, run_on_gpu
from faceprep.stages.augment.plan import Plan
from faceprep.stages.augment.quality_filter import QualityFilter, train_filter
from faceprep.stages.augment.result import AugmentResult
from faceprep.stages.augment.shard import AugmentJob, RemoteAugment, make_shard
from faceprep.workspace.at_work import at_work
from faceprep.workspace.pending import remove_abandoned
from faceprep.workspace.remembered import remember
from faceprep.workspace.schemas import SCHEMA_VERSION
from faceprep.workspace.synthetic import STAGE, hashes_of, note_asked
from faceprep.workspace.training_rows import training_rows


def run_augment(
    config: Config,
    count: int,
    options: Options,
    progress: Progress,
    device: str | None = None,
    remote: RemoteAugment | None = None,
) -> AugmentResult:
    """Make synthetic faces until there are `count`.

    Parameters
    ----------
    device
        Device to compute on; None follows ``device`` of the configuration or, on Slurm, the GPUs
        of the tasks.
    remote
        Submitted job whose shards this process makes.

    Raises
    ------
    UsageError
        There is no trained generator, sources are missing, or there are faces with other settings
        and ``--overwrite`` is not given.
    FaceprepError
        A source shows a subject of ``test`` or ``val``, the existing faces were computed on another
        kind of device, generator or sources have changed since submission, another run has added
        faces with other settings, or the workspace cannot be written.
    """
    plan = Plan(config, device or device_of(config))
    if remote is not None and remote.input_hash != plan.input_hash:
        raise FaceprepError(
            f"{plan.stage.name}: generator or sources have changed since the job was submitted",
            Again(),
        )
    if options.dry_run or remote is not None:
        return _augment(plan, count, options, progress, remote)
    makes = {plan.stage.name: digest([plan.input_hash, plan.config_hash])}
    settings = {**plan.settings.settings(), "checkpoint": plan.checkpoint}
    with at_work(config.workspace, makes, flatten(settings, f"{STAGE}.")):
        return _augment(plan, count, options, progress, remote)


def _augment(
    plan: Plan, count: int, options: Options, progress: Progress, remote: RemoteAugment | None
) -> AugmentResult:
    config = plan.config
    result = plan.result(count, options, submitted=remote is not None)
    progress.say(plan.announcement(result, options))
    if options.dry_run:
        return result
    started = time.monotonic()
    # Checks run before any face is removed, the fastest first.
    if result.todo and remote is None:
        _check_queue(config)
        _warn_of_space(plan, result, progress)
    if remote is None:
        remember(config, (STAGE, "train.generator"))
    plan.workspace.make_folder(plan.stage.name)
    remove_abandoned(plan.workspace, plan.stage.name)
    jobs: list[AugmentJob] = []
    if result.todo:
        quality = remote.quality if remote else _quality_filter(plan, progress)
        job = remote or RemoteAugment(count, plan.device, plan.input_hash, quality)
        jobs = plan.jobs(result, quality, job)
    if jobs and not options.wait:
        result.jobs = _submit(jobs, options)
        record_request(plan, result)
        return result
    if remote is None:
        record_request(plan, result)
        record_subjects(plan)
    if jobs:
        _, result.failed = run_jobs(
            plan.stage.name, jobs, cast(Work, make_shard), config, progress, result.lacking,
            _engine(plan),
        )  # fmt: skip
        result.made = sum(job.rows - job.kept for job in jobs if job.shard not in result.failed)
    plan.existing.refresh(shard for shard in result.todo if shard not in result.failed)
    mine = {shard for shard in range(result.shards) if options.mine(shard)}
    plan.existing.refuse_mixture(mine - result.failed.keys())
    complete = len(plan.existing.own().keys() & range(result.shards)) == result.shards
    if complete:
        plan.existing.remove_beyond(result.shards)
    result.seconds = time.monotonic() - started
    if remote is None or complete:
        record_faces(plan, result)
    return result


def _quality_filter(plan: Plan, progress: Progress) -> QualityFilter | None:
    """Train the filter on the training faces, independent of the number of threads."""
    settings = plan.settings
    if settings.filter == "none":
        return None
    from threadpoolctl import threadpool_limits

    from faceprep.faces.features import load_features
    from faceprep.metrics.workspace_faces import read_faces

    progress.say("augment: the filter is trained on the training subjects")
    rows = training_rows(plan.config.workspace, fold=plan.config.train.fold)
    faces = read_faces(plan.workspace, rows, plan.size)
    one_thread()
    with threadpool_limits(1):
        return train_filter(
            faces,
            plan.classes,
            classifier=settings.filter in ("judge", "both"),
            external=settings.judge,
            features=None if settings.filter == "judge" else load_features(template=faces.template),
            min_probability=settings.min_probability,
            percentile=settings.percentile,
        )


def _engine(plan: Plan) -> Engine | None:
    """Return the engine for a GPU of this machine; None for the configured engine."""
    if plan.device == "cpu" or plan.config.engine == "slurm":
        return None
    return cast(Engine, run_on_gpu)


def _submit(jobs: list[AugmentJob], options: Options) -> list[str]:
    """Submit the jobs to Slurm; return their numbers."""
    return submit_missing(Submission.of(jobs, redo=options.overwrite))


def _check_queue(config: Config) -> None:
    """Raise an error if Slurm is the engine and does not answer."""
    if config.engine == "slurm":
        read_queue()


def _warn_of_space(plan: Plan, result: AugmentResult, progress: Progress) -> None:
    """Print a warning if the faces will not fit on the disk."""
    warning = shortage(result.disk_bytes, plan.workspace.root)
    if warning is not None:
        progress.say(f"augment: warning: {warning}")


def record_request(plan: Plan, result: AugmentResult) -> None:
    """Record the request of a run."""
    hashes = (plan.input_hash, plan.config_hash)
    note_asked(plan.workspace, plan.stage.name, result.asked, result.shards, *hashes)


def record_subjects(plan: Plan) -> None:
    """Record the subjects of the faces before they are made, in case the run is killed.

    An existing record of faces with other settings is kept.
    """
    recorded = plan.workspace.info(plan.stage.name).get("hashes")
    if recorded != hashes_of(plan.input_hash, plan.config_hash) and not plan.existing.others():
        plan.workspace.write_info(plan.stage.name, _description(plan))


def record_faces(plan: Plan, result: AugmentResult) -> None:
    """Count the existing faces, and record the counts."""
    name = plan.stage.name
    filtered = plan.settings.filter != "none"
    shards = [shard for shard in plan.workspace.shards(name) if plan.existing.rows(shard)]
    for shard in shards:
        result.count(plan.workspace.read(name, shard), filtered)
    if not shards:
        return
    counted = {
        "shards": len(shards),
        "images": result.images,
        "faces": result.faces,
        "modes": result.modes,
        "rejected": result.rejected,
        "doubtful": result.doubtful,
    }
    plan.workspace.write_info(name, {**_description(plan), **counted})


def _description(plan: Plan) -> dict[str, Any]:
    """Return the facts known before the first face is made, JSON-ready."""
    sources = {mode: one.unique_subjects() for mode, one in plan.sources.items()}
    filter_subjects = _filter_subjects(plan)
    return {
        "stage": plan.stage.name,
        "schema_version": SCHEMA_VERSION,
        "settings": plan.stage.settings(plan.config),
        "config": plan.config.settings(),
        "versions": versions(),
        "hashes": hashes_of(plan.input_hash, plan.config_hash),
        "generator": plan.name,
        "checkpoint": plan.checkpoint,
        "device": plan.device,
        "shard_size": plan.settings.shard_size,
        "sources": sources,
        "subjects": sorted({name for names in sources.values() for name in names}),
        "sources_from": _other_workspace(plan),
        "judge": {"subjects": filter_subjects} if filter_subjects else None,
    }


def _other_workspace(plan: Plan) -> str | None:
    """Absolute path of the workspace of the sources, if it is another one."""
    path = plan.settings.sources
    return str(path.expanduser().absolute()) if path and "other" in plan.sources else None


def _filter_subjects(plan: Plan) -> list[str]:
    """Training subjects of the filter."""
    if plan.settings.filter == "none":
        return []
    rows = training_rows(plan.config.workspace, fold=plan.config.train.fold)
    return sorted(set(rows["dataset"] + "/" + rows["subject"]))
