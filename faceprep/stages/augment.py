"""The verb ``augment``: a trained generator in, N synthetic faces out.

The faces are balanced over the expressions, and the first n of them are the same for every N: the
set of 60 000 contains the set of 3000 (ExprGAN, table 1). What is there already is never made
again while generator, sources and settings are the same; a smaller N changes nothing.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from faceprep.config import Config, digest
from faceprep.errors import FaceprepError
from faceprep.manifest import SCHEMA_VERSION, file_sha256
from faceprep.progress import Progress
from faceprep.runner import Options, run_jobs
from faceprep.shard import versions
from faceprep.stages.augment_errand import AugmentErrand
from faceprep.stages.augment_shard import Augment, AugmentJob, make_shard
from faceprep.stages.synthetic import note_asked
from faceprep.stages.trained import name_of, trained_file
from faceprep.workspace import Workspace

if TYPE_CHECKING:
    from faceprep.engines import Engine, Work
    from faceprep.evaluation.synthetic_filter import QualityFilter
    from faceprep.stages.augment_sources import Sources

#: What a face of 128 pixels takes on disk, about: its picture and its row.
_BYTES_PER_FACE = 27_000

_COUNTED = ["face_id", "expression", "mode", "status", "rejected_judge", "rejected_features"]

#: Settings for the same faces on another kind of device: their last digits differ.
_DEVICE = "device"


@dataclass
class Augmented:
    """What ``augment`` did, or would do.

    Attributes
    ----------
    folder
        Of the faces.
    images, asked
        How many there are, and were asked for.
    made, before, lacking
        How many were made just now, were there before, and are to be made in ``todo``.
    replaced
        How many were there of other settings, or of these with ``--overwrite``: they go.
    shards, todo
        Shards of the faces asked for, and those (to be) made.
    faces
        By expression.
    modes
        By mode.
    rejected
        Candidates that did not pass the filter, by what they did not pass, by expression.
    doubtful
        Faces for which no candidate passed, by expression.
    seconds
        Wall time.
    disk_bytes
        Estimate of what is to be made.
    device
        Where they are computed.
    failed
        Shard → why it could not be made.
    jobs
        Numbers of the Slurm jobs that make them, where those are not waited for.
    """

    folder: Path
    asked: int
    shards: int
    todo: list[int]
    device: str
    before: int = 0
    lacking: int = 0
    replaced: int = 0
    images: int = 0
    made: int = 0
    faces: dict[str, int] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)
    doubtful: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    disk_bytes: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)


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
        There is no trained generator, or no source where one is needed.
    FaceprepError
        Somebody who is tested or watched is among the sources, the faces at hand were computed on
        another kind of device, they or the generator have changed since the errand was given, or
        nothing can be written.
    """
    from faceprep.stages.augment_device import device_of

    run = _Run(config, device or device_of(config))
    if errand is not None and errand.input_hash != run.input_hash:
        raise FaceprepError(
            f"{run.stage.name}: generator or sources have changed since the job was submitted",
            "type the same command again",
        )
    result = run.plan(count, options)
    progress.say(run.announcement(result, options))
    if options.dry_run:
        return result
    started = time.monotonic()
    workspace = run.workspace
    workspace.make_folder(run.stage.name)
    workspace.sweep(run.stage.name)
    if errand is None:
        run.note(result)
        run.remove_others(result)
    if result.todo:
        jobs = run.jobs(result, errand.quality if errand else run.quality(progress))
        if not options.wait:
            result.jobs = run.submit(jobs, options)
            return result
        work, rows = cast("Work", make_shard), result.lacking
        _, result.failed = run_jobs(
            run.stage.name, jobs, work, config, progress, rows, run.engine()
        )
        run.look_again(result.todo)
        result.made = sum(job.rows - job.kept for job in jobs if job.shard not in result.failed)
    result.seconds = time.monotonic() - started
    if errand is None or len(workspace.shards(run.stage.name)) >= result.shards:
        run.record(result)
    return result


class _Run:
    """Everything that the shards of a run have in common."""

    def __init__(self, config: Config, device: str) -> None:
        from faceprep.stages.augment_sources import find_sources, fingerprint
        from faceprep.training import checkpoint

        self.config, self.device = config, device
        self.workspace = Workspace(config.workspace)
        self.stage = Augment(config, device)
        self.settings = config.augment
        self.name = name_of(config.train.generator, config.train.fold)
        path = trained_file(config.workspace, self.name)
        self.checkpoint = file_sha256(path)
        # Making the networks takes seconds, and is the workers' task.
        networks = checkpoint.read(path).config
        self.classes, self.size = tuple(networks["classes"]), int(networks["size"])
        modes = list(self.settings.shares())
        self.sources: dict[str, Sources] = {
            mode: find_sources(config, mode) for mode in modes if mode != "new"
        }
        judged = self.settings.filter != "none"
        self.input_hash = digest([self.checkpoint, *fingerprint(config, modes, judged)])
        self.config_hash = self._hash(device)
        self._intact: dict[int, int] = {}

    def _hash(self, device: str) -> str:
        settings = {**self.stage.settings(self.config), _DEVICE: device}
        return digest({"settings": settings, "version": self.stage.version})

    def plan(self, count: int, options: Options) -> Augmented:
        """Which shards are to be made."""
        size = self.settings.shard_size
        shards = -(-count // size)
        result = Augmented(
            folder=self.workspace.folder(self.stage.name),
            asked=count,
            shards=shards,
            todo=[],
            device=self.device,
        )
        if not options.overwrite:
            self._refuse_other_device()
        for shard in filter(options.mine, range(shards)):
            wanted = min(size, count - shard * size)
            kept = 0 if options.overwrite else self._rows(shard)
            result.before += min(kept, wanted)
            if kept < wanted:
                result.todo.append(shard)
                result.lacking += wanted - kept
        result.disk_bytes = result.lacking * _BYTES_PER_FACE
        result.replaced = self._replaced(result, options)
        return result

    def jobs(self, result: Augmented, quality: "QualityFilter | None") -> list[AugmentJob]:
        """Jobs of the shards to be made."""
        size = self.settings.shard_size
        before = {} if not result.before else {shard: self._rows(shard) for shard in result.todo}
        return [
            AugmentJob(
                self.stage, shard, self.config, self.input_hash, self.config_hash,
                first=shard * size, rows=min(size, result.asked - shard * size), whole=size,
                kept=before.get(shard, 0), asked=result.asked, checkpoint=self.checkpoint,
                device=self.device, quality=quality,
            )
            for shard in result.todo
        ]  # fmt: skip

    def submit(self, jobs: list[AugmentJob], options: Options) -> list[str]:
        """Leave them to Slurm; return the numbers of its jobs."""
        from faceprep.engines.slurm.engine import Order, place

        stamps = self.workspace.stamps(self.stage.name)
        return place(Order.of(jobs, stamps, redo=options.overwrite))

    def quality(self, progress: Progress) -> "QualityFilter | None":
        """Train the filter on the training faces; the same bytes on any number of threads."""
        kind = self.settings.filter
        if kind == "none":
            return None
        from threadpoolctl import threadpool_limits

        from faceprep.evaluation.synthetic_filter import train_filter
        from faceprep.evaluation.workspace_faces import read_faces
        from faceprep.faces.features import load_features
        from faceprep.shard import one_thread
        from faceprep.stages.train_faces import training_rows

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
        from faceprep.stages.augment_device import compute_here

        return cast("Engine", compute_here)

    def note(self, result: Augmented) -> None:
        """Leave word of what is asked for."""
        hashes = (self.input_hash, self.config_hash)
        note_asked(self.workspace, self.stage.name, result.asked, result.shards, *hashes)

    def remove_others(self, result: Augmented) -> None:
        """Remove shards beyond those asked for that are of other settings."""
        for shard in self.workspace.shards(self.stage.name):
            if shard >= result.shards and not self._rows(shard):
                self.workspace.remove_shards(self.stage.name, shard)
                break

    def announcement(self, result: Augmented, options: Options) -> str:
        """One line on what is going to happen, and which setting brought it about."""
        name = self.stage.name
        said = f"{name}: up to date ({result.asked} faces)"
        if result.todo:
            verb = "would make" if options.dry_run else "making"
            said = f"{name}: {verb} {result.lacking} of {result.asked} faces"
        if not result.replaced:
            return said
        if options.overwrite:
            return f"{said}; {result.replaced} that are there go (--overwrite)"
        changes, verb = self._changes(), "would be" if options.dry_run else "are"
        kind = f"settings {verb} replaced ({changes})" if changes else f"sources {verb} replaced"
        return f"{said}; {result.replaced} of other {kind}"

    def _changes(self) -> str:
        """Which settings differ from those of the faces that are there."""
        name = self.stage.name
        before = self.workspace.info(name)
        now = self.stage.settings(self.config)
        changed = [
            f"augment.{key} {before['settings'][key]} → {now[key]}"
            for key in sorted(now)
            if key in before.get("settings", {}) and before["settings"][key] != now[key]
        ]
        if before and before.get("checkpoint") != self.checkpoint:
            changed.append("another generator")
        return ", ".join(changed)

    def _replaced(self, result: Augmented, options: Options) -> int:
        """Faces that are there and do not stay; beyond those asked for `remove_others` does it."""
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
        name, size = self.stage.name, self.settings.shard_size
        tables = []
        for shard in self.workspace.shards(name):
            if self._rows(shard):
                tables.append(self.workspace.read(name, shard))
        for table in tables:
            _count(table.select(_COUNTED).to_pydict(), result)
        if not tables:
            return
        people = sorted({name for one in self.sources.values() for name in one.people()})
        judged = self._judged()
        info = {
            "stage": name,
            "schema_version": SCHEMA_VERSION,
            "settings": self.stage.settings(self.config),
            "config": self.config.settings(),
            "versions": versions(),
            "generator": self.name,
            "checkpoint": self.checkpoint,
            "device": self.device,
            "shards": len(tables),
            "shard_size": size,
            "images": result.images,
            "faces": result.faces,
            "modes": result.modes,
            "rejected": result.rejected,
            "doubtful": result.doubtful,
            "sources": {mode: one.people() for mode, one in self.sources.items()},
            "subjects": people,
            "judge": {"subjects": judged} if judged else None,
        }
        self.workspace.write_info(name, info)

    def _judged(self) -> list[str]:
        """Whom the filter knows."""
        if self.settings.filter == "none":
            return []
        from faceprep.stages.train_faces import training_rows

        rows = training_rows(self.config.workspace, fold=self.config.train.fold)
        return sorted(set(rows["dataset"] + "/" + rows["subject"]))

    def _rows(self, shard: int) -> int:
        """Rows of a shard that is finished, intact and of these settings; looked at once."""
        if shard not in self._intact:
            name = self.stage.name
            done = self.workspace.is_done(name, shard, self.input_hash, self.config_hash)
            marker = self.workspace.marker(name, shard) if done else None
            self._intact[shard] = marker.rows if marker else 0
        return self._intact[shard]

    def look_again(self, shards: Sequence[int]) -> None:
        """Forget what shards were found to be, for they have been made since."""
        for shard in shards:
            self._intact.pop(shard, None)

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


def _count(columns: Mapping[str, Any], result: Augmented) -> None:
    result.images += len(columns["face_id"])
    for name, mode, status, judge, features in zip(
        columns["expression"], columns["mode"], columns["status"],
        columns["rejected_judge"], columns["rejected_features"], strict=True,
    ):  # fmt: skip
        result.faces[name] = result.faces.get(name, 0) + 1
        result.modes[mode] = result.modes.get(mode, 0) + 1
        kinds = result.rejected.setdefault(name, {"judge": 0, "features": 0})
        kinds["judge"] += judge
        kinds["features"] += features
        if status != "ok":
            result.doubtful[name] = result.doubtful.get(name, 0) + 1
