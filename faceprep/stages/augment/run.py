"""The verb ``augment``: a trained generator in, N synthetic faces out.

The faces are balanced over the expressions, and the first n of them are the same for every N: the
set of 60 000 contains the set of 3000 (ExprGAN, table 1). What is there already is never made
again while generator, sources and settings are the same; a smaller N changes nothing. What is of
other settings goes with ``--overwrite`` only, shard by shard as the new ones are done.
"""

import time
from typing import TYPE_CHECKING, Any, cast

from faceprep.config import Config
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.files import digest, file_sha256
from faceprep.core.progress import Progress
from faceprep.execution.options import Options
from faceprep.execution.runner import run_jobs
from faceprep.execution.shard import versions
from faceprep.generators.trained import read_trained
from faceprep.stages.augment.existing import Present
from faceprep.stages.augment.remote_job import AugmentErrand
from faceprep.stages.augment.result import Augmented
from faceprep.stages.augment.shard import Augment, AugmentJob, make_shard
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_name
from faceprep.workspace.manifest import SCHEMA_VERSION
from faceprep.workspace.synthetic import hashes_of, note_asked

if TYPE_CHECKING:
    from faceprep.execution.job import Engine, Work
    from faceprep.stages.augment.quality_filter import QualityFilter
    from faceprep.stages.augment.sources import Sources

#: What a face of 128 pixels takes on disk, about: its picture and its row.
_BYTES_PER_FACE = 27_000

#: Settings for the same faces on another kind of device: their last digits differ.
_DEVICE = "device"


def run_augment(
    config: Config,
    count: int,
    options: Options,
    progress: Progress,
    device: str | None = None,
    errand: AugmentErrand | None = None,
) -> Augmented:
    """Make synthetic faces until there are `count`.

    Parameters
    ----------
    device
        Where; as ``device`` of the configuration says without, on Slurm as the tasks have a GPU.
    errand
        Of the command whose shards this process makes for it.

    Raises
    ------
    UsageError
        There is no trained generator, no source where one is needed, or there are faces of other
        settings and nobody has said ``--overwrite``.
    FaceprepError
        Somebody who is tested or watched is among the sources, the faces at hand were computed on
        another kind of device, they or the generator have changed since the errand was given,
        another run put faces of other settings among these, or nothing can be written.
    """
    from faceprep.stages.augment.gpu_engine import device_of

    run = _Run(config, device or device_of(config))
    if errand is not None and errand.input_hash != run.input_hash:
        raise FaceprepError(
            f"{run.stage.name}: generator or sources have changed since the job was submitted",
            "type the same command again",
        )
    result = run.plan(count, options, errand is not None)
    if result.refused and not options.dry_run:
        raise run.refusal(count)
    progress.say(run.announcement(result, options))
    if options.dry_run:
        return result
    started = time.monotonic()
    workspace = run.workspace
    # What can fail without a face having been made does so before any goes, the quickest first.
    if result.todo and errand is None:
        run.ask_queue()
    workspace.make_folder(run.stage.name)
    workspace.sweep(run.stage.name)
    jobs: list[AugmentJob] = []
    if result.todo:
        jobs = run.jobs(result, errand.quality if errand else run.quality(progress))
    if jobs and not options.wait:
        result.jobs = run.submit(jobs, options)
        run.note(result)
        return result
    if errand is None:
        run.note(result)
        run.introduce()
    if jobs:
        work, rows = cast("Work", make_shard), result.lacking
        _, result.failed = run_jobs(
            run.stage.name, jobs, work, config, progress, rows, run.engine()
        )
        run.present.look_again(result.todo)
        result.made = sum(job.rows - job.kept for job in jobs if job.shard not in result.failed)
    mine = {shard for shard in range(result.shards) if options.mine(shard)}
    run.present.refuse_mixture(mine - result.failed.keys())
    whole = len(run.present.own().keys() & range(result.shards)) == result.shards
    if whole:
        run.present.remove_beyond(result.shards)
    result.seconds = time.monotonic() - started
    if errand is None or whole:
        run.record(result)
    return result


class _Run:
    """Everything that the shards of a run have in common."""

    def __init__(self, config: Config, device: str) -> None:
        from faceprep.stages.augment.sources import find_sources, fingerprint

        self.config, self.device = config, device
        self.workspace = Workspace(config.workspace)
        self.stage = Augment(config, device)
        self.settings = config.augment
        self.name = generator_name(config.train.generator, config.train.fold)
        # Making the networks takes seconds, and is the workers' task.
        file = read_trained(config.workspace, self.name)
        self.checkpoint, networks = file_sha256(file.path), file.config
        self.classes, self.size = tuple(networks["classes"]), int(networks["size"])
        modes = list(self.settings.shares())
        self.sources: dict[str, Sources] = {
            mode: find_sources(config, mode) for mode in modes if mode != "new"
        }
        judged = self.settings.filter != "none"
        self.input_hash = digest([self.checkpoint, *fingerprint(config, modes, judged)])
        self.config_hash = self._hash(device)
        hashes = (self.input_hash, self.config_hash)
        self.present = Present(self.workspace, self.stage.name, hashes)
        self.replaced: dict[int, int] = {}

    def _hash(self, device: str) -> str:
        settings = {**self.stage.settings(self.config), _DEVICE: device}
        return digest({"settings": settings, "version": self.stage.version})

    def plan(self, count: int, options: Options, sent: bool = False) -> Augmented:
        """Which shards are to be made; `sent` by a command that has asked what may go."""
        if options.overwrite:
            self.replaced = self.workspace.stamps(self.stage.name)
        size = self.settings.shard_size
        shards = -(-count // size)
        result = Augmented(
            folder=self.workspace.folder(self.stage.name),
            asked=count,
            shards=shards,
            todo=[],
            device=self.device,
        )
        allowed = options.overwrite or sent or self.present.agreed()
        if not allowed:
            self._refuse_other_device()
        for shard in filter(options.mine, range(shards)):
            wanted = min(size, count - shard * size)
            kept = 0 if options.overwrite else self.present.rows(shard)
            result.before += min(kept, wanted)
            if kept < wanted:
                result.todo.append(shard)
                result.lacking += wanted - kept
        result.disk_bytes = result.lacking * _BYTES_PER_FACE
        result.replaced = self._replaced(result, options)
        result.refused = not allowed and bool(self.present.others())
        return result

    def jobs(self, result: Augmented, quality: "QualityFilter | None") -> list[AugmentJob]:
        """Jobs of the shards to be made."""
        size = self.settings.shard_size
        before = {shard: self.present.rows(shard) for shard in result.todo if result.before}
        return [
            AugmentJob(
                self.stage, shard, self.config, self.input_hash, self.config_hash,
                before=self.replaced.get(shard),
                first=shard * size, rows=min(size, result.asked - shard * size), whole=size,
                kept=before.get(shard, 0), asked=result.asked, checkpoint=self.checkpoint,
                device=self.device, quality=quality,
            )
            for shard in result.todo
        ]  # fmt: skip

    def submit(self, jobs: list[AugmentJob], options: Options) -> list[str]:
        """Leave them to Slurm; return the numbers of its jobs."""
        from faceprep.execution.slurm.submission import Order, place

        return place(Order.of(jobs, redo=options.overwrite))

    def quality(self, progress: Progress) -> "QualityFilter | None":
        """Train the filter on the training faces; the same bytes on any number of threads."""
        kind = self.settings.filter
        if kind == "none":
            return None
        from threadpoolctl import threadpool_limits

        from faceprep.execution.threads import one_thread
        from faceprep.faces.features import load_features
        from faceprep.metrics.workspace_faces import read_faces
        from faceprep.stages.augment.quality_filter import train_filter
        from faceprep.workspace.training_rows import training_rows

        progress.say("augment: the filter is trained on the training subjects")
        rows = training_rows(self.config.workspace, fold=self.config.train.fold)
        faces = read_faces(self.workspace, rows, self.size)
        one_thread()
        with threadpool_limits(1):
            return train_filter(
                faces, self.classes, judge=kind in ("judge", "both"),
                features=None if kind == "judge" else load_features(template=faces.template),
                min_probability=self.settings.min_probability,
                percentile=self.settings.percentile,
            )  # fmt: skip

    def engine(self) -> "Engine | None":
        """The engine that computes in this process and writes in others, where there is a GPU."""
        if self.device == "cpu" or self.config.engine == "slurm":
            return None
        from faceprep.stages.augment.gpu_engine import compute_here

        return cast("Engine", compute_here)

    def note(self, result: Augmented) -> None:
        """Leave word of what is asked for."""
        hashes = (self.input_hash, self.config_hash)
        note_asked(self.workspace, self.stage.name, result.asked, result.shards, *hashes)

    def introduce(self) -> None:
        """Say of whom the faces will be, so that those that a kill leaves are of use.

        Where there are faces of other settings, their record stays as long as they may.
        """
        recorded = self.workspace.info(self.stage.name).get("hashes")
        if recorded != hashes_of(self.input_hash, self.config_hash) and not self.present.others():
            self.workspace.write_info(self.stage.name, self._about())

    def ask_queue(self) -> None:
        """Raise an error where Slurm is to make the faces and is silent."""
        if self.config.engine == "slurm":
            from faceprep.execution.slurm.queue import look

            look()

    def refusal(self, count: int) -> UsageError:
        """Return the error for faces of other settings that nobody has given up."""
        return self.present.refusal(self._difference(), count)

    def _difference(self) -> str:
        return self.present.difference(self.stage.settings(self.config), self.checkpoint)

    def announcement(self, result: Augmented, options: Options) -> str:
        """One line on what is going to happen, and which setting brought it about."""
        name = self.stage.name
        there = sum(self.present.own().values())
        first = f"{there} there, the first {result.asked} of them asked for"
        said = f"{name}: up to date ({first if there > result.asked else f'{there} faces'})"
        if result.todo:
            verb = "would make" if options.dry_run else "making"
            said = f"{name}: {verb} {result.lacking} of {result.asked} faces"
        if result.refused:
            error = self.refusal(result.asked)
            return f"{name}: would refuse: {error.message}\n  → {error.hint}"
        if not result.replaced:
            return said
        others = sum(self.present.others().values()) == result.replaced
        kind = f" of {self._difference()}" if others else " that are there"
        why = " (--overwrite)" if options.overwrite else ", as was asked for before"
        return f"{said}; {result.replaced}{kind} go{why}"

    def _replaced(self, result: Augmented, options: Options) -> int:
        """Faces that are there and do not stay; beyond those asked for too."""
        ours, going = (self.input_hash, self.config_hash), 0
        for shard in self.workspace.shards(self.stage.name):
            marker, asked = self.workspace.marker(self.stage.name, shard), shard < result.shards
            if marker is None or (asked and not options.mine(shard)):
                continue
            if (marker.input, marker.config) != ours or (asked and options.overwrite):
                going += marker.rows
        return going

    def record(self, result: Augmented) -> None:
        """Count what is there, and write ``stage.json``."""
        name = self.stage.name
        filtered = self.settings.filter != "none"
        tables = []
        for shard in self.workspace.shards(name):
            if self.present.rows(shard):
                tables.append(self.workspace.read(name, shard))
        for table in tables:
            result.count(table, filtered)
        if not tables:
            return
        counted = {
            "shards": len(tables),
            "images": result.images,
            "faces": result.faces,
            "modes": result.modes,
            "rejected": result.rejected,
            "doubtful": result.doubtful,
        }
        self.workspace.write_info(name, {**self._about(), **counted})

    def _about(self) -> dict[str, Any]:
        """What is known of the faces before there are any, JSON-ready."""
        people = sorted({name for one in self.sources.values() for name in one.people()})
        judged = self._judged()
        return {
            "stage": self.stage.name,
            "schema_version": SCHEMA_VERSION,
            "settings": self.stage.settings(self.config),
            "config": self.config.settings(),
            "versions": versions(),
            "hashes": hashes_of(self.input_hash, self.config_hash),
            "generator": self.name,
            "checkpoint": self.checkpoint,
            "device": self.device,
            "shard_size": self.settings.shard_size,
            "sources": {mode: one.people() for mode, one in self.sources.items()},
            "subjects": people,
            "sources_from": self._sources_from(),
            "judge": {"subjects": judged} if judged else None,
        }

    def _sources_from(self) -> str | None:
        """Whole path of the other workspace, where faces of one are edited."""
        path = self.settings.sources
        return str(path.expanduser().absolute()) if path and "other" in self.sources else None

    def _judged(self) -> list[str]:
        """Whom the filter knows."""
        if self.settings.filter == "none":
            return []
        from faceprep.workspace.training_rows import training_rows

        rows = training_rows(self.config.workspace, fold=self.config.train.fold)
        return sorted(set(rows["dataset"] + "/" + rows["subject"]))

    def _refuse_other_device(self) -> None:
        """Refuse to throw away what a GPU made because there is none here, and the reverse."""
        marker = self.workspace.marker(self.stage.name, 0)
        for other in {"cpu", "cuda"} - {self.device}:
            if marker and (marker.input, marker.config) == (self.input_hash, self._hash(other)):
                raise FaceprepError(
                    f"the faces in {self.workspace.folder(self.stage.name)} were computed on"
                    f" {other}, and {self.device} gives other last digits",
                    f"--device {other}, or --overwrite to make all of them anew",
                )
