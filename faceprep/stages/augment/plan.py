"""Plan of ``augment``: existing, missing and replaced faces."""

from faceprep.config import Config
from faceprep.core.disk import size_text
from faceprep.core.errors import Again, UsageError
from faceprep.core.files import digest, file_sha256
from faceprep.execution.consent import Replaced, refusal
from faceprep.execution.job import Request
from faceprep.execution.plan import Options
from faceprep.generators.base import MakesNewFaces
from faceprep.generators.registry import kinds_that, require_kind, spec_of
from faceprep.generators.store import read_trained
from faceprep.stages.augment.existing import ExistingFaces
from faceprep.stages.augment.quality_filter import QualityFilter
from faceprep.stages.augment.result import AugmentResult
from faceprep.stages.augment.shard import AugmentJob, AugmentStage
from faceprep.stages.augment.sources import Sources, find_sources, fingerprint
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_name
from faceprep.workspace.training_rows import training_rows

#: Typical size on disk of a face of 128 pixels, with its row.
_BYTES_PER_FACE = 27_000

#: Largest number of shards, whose file names have five digits.
_MOST_SHARDS = 100_000


def with_possible_mode(config: Config) -> Config:
    """Return the configuration with mode ``edit`` if the kind makes no faces without a source."""
    if config.train.generator in kinds_that(MakesNewFaces):
        return config
    augment = config.augment.model_copy(update={"mode": "edit"})
    return config.model_copy(update={"augment": augment})


def multiple_of_faces(config: Config, times: float) -> int:
    """Return a multiple of the number of training faces of the generator, at least 1.

    UsageError if the generator is unknown or not trained.
    """
    spec_of(config.train.generator)
    name = generator_name(config.train.generator, config.train.fold)
    classes = read_trained(config.workspace, name).config["classes"]
    rows = training_rows(config.workspace, classes=classes, fold=config.train.fold)
    return max(round(times * len(rows)), 1)


class Plan:
    """Plan of a run, shared by all its shards.

    Attributes
    ----------
    stage, name
        Stage, named after its folder, and name of the generator.
    checkpoint, classes, size
        SHA-256 of the generator's file, its expressions, and the side of its images.
    sources
        Mode → source faces to edit.
    input_hash, config_hash
        Hashes of generator and sources, and of the settings.

    Raises
    ------
    UsageError
        The kind of generator is unknown or not trained, sources are missing, or the kind cannot
        generate faces without a source.
    FaceprepError
        A source shows a subject of ``test`` or ``val``.
    """

    def __init__(self, config: Config, device: str) -> None:
        self.config, self.device = config, device
        self.workspace = Workspace(config.workspace)
        self.stage = AugmentStage(config, device)
        self.settings = config.augment
        self.name = generator_name(config.train.generator, config.train.fold)
        spec_of(config.train.generator)  # refuses an unknown kind with the list of kinds
        # Building the networks takes seconds, and is left to the workers.
        file = read_trained(config.workspace, self.name)
        self.checkpoint, networks = file_sha256(file.path), file.config
        self.classes, self.size = tuple(networks["classes"]), int(networks["size"])
        modes = list(self.settings.shares())
        if "new" in modes:
            require_kind(file.kind, MakesNewFaces, "generate faces without a source")
        self.sources: dict[str, Sources] = {
            mode: find_sources(config, mode) for mode in modes if mode != "new"
        }
        filtered = self.settings.filter != "none"
        measured = "action_units" in spec_of(file.kind).driven_by
        self.input_hash = digest([self.checkpoint, *fingerprint(config, modes, filtered, measured)])
        self.config_hash = self._hash(device)
        hashes = (self.input_hash, self.config_hash)
        self.existing = ExistingFaces(self.workspace, self.stage.name, hashes)
        self._replaced_at: dict[int, int] = {}

    def result(self, count: int, options: Options, submitted: bool = False) -> AugmentResult:
        """Return the result of a run, before anything is made.

        Parameters
        ----------
        submitted
            Whether the shards were submitted by a command that already checked replacements.

        Raises
        ------
        UsageError
            Faces of other settings would be replaced without ``--overwrite``.
        """
        if options.overwrite:
            self._replaced_at = self.workspace.stamps(self.stage.name)
        size = self.settings.shard_size
        shards = -(-count // size)
        most = size * _MOST_SHARDS
        if count > most:
            raise UsageError(
                f"{count:,} faces are {shards:,} shards of {size} (augment.shard_size); a workspace"
                f" holds at most {_MOST_SHARDS:,}",
                Again({"n": most}, note=f"takes about {size_text(_BYTES_PER_FACE * most)}"),
            )
        result = AugmentResult(
            folder=self.workspace.folder(self.stage.name),
            asked=count,
            shards=shards,
            todo=[],
            device=self.device,
        )
        allowed = options.overwrite or submitted or self.existing.requested()
        if not allowed:
            self._refuse_other_device()
        for shard in filter(options.mine, range(shards)):
            wanted = min(size, count - shard * size)
            kept = 0 if options.overwrite else self.existing.rows(shard)
            result.before += min(kept, wanted)
            if kept < wanted:
                result.todo.append(shard)
                result.lacking += wanted - kept
        result.disk_bytes = result.lacking * _BYTES_PER_FACE
        result.replaced = self._count_replaced(result, options)
        if not allowed and self.existing.others():
            raise refusal(self.config, [self._others()])
        return result

    def jobs(
        self, result: AugmentResult, quality: QualityFilter | None, remote: Request
    ) -> list[AugmentJob]:
        """Return the jobs of the missing shards.

        Parameters
        ----------
        remote
            Data that cluster tasks need besides the configuration.
        """
        size = self.settings.shard_size
        kept = {shard: self.existing.rows(shard) for shard in result.todo if result.before}
        return [
            AugmentJob(
                self.stage, shard, self.config, self.input_hash, self.config_hash,
                before=self._replaced_at.get(shard),
                first=shard * size, rows=min(size, result.asked - shard * size), capacity=size,
                kept=kept.get(shard, 0), checkpoint=self.checkpoint, device=self.device,
                quality=quality, remote=remote,
            )
            for shard in result.todo
        ]  # fmt: skip

    def announcement(self, result: AugmentResult, options: Options) -> str:
        """Return one line that announces the run, with the setting that causes it."""
        name = self.stage.name
        there = sum(self.existing.own().values())
        first = f"{there} there, the first {result.asked} of them asked for"
        line = f"{name}: up to date ({first if there > result.asked else f'{there} faces'})"
        if result.todo:
            verb = "would make" if options.dry_run else "making"
            line = f"{name}: {verb} {result.lacking} of {result.asked} faces"
        if not result.replaced:
            return line
        others = sum(self.existing.others().values()) == result.replaced
        one = self._others()
        made = ", ".join([*map(str, one.changes), *one.reasons])
        kind = f" of other settings ({made})" if others else " that are there"
        why = " (--overwrite)" if options.overwrite else ", as was asked for before"
        return f"{line}; {result.replaced}{kind} go{why}"

    def _hash(self, device: str) -> str:
        # The device matters: the last digits differ between CPU and GPU.
        settings = {**self.stage.settings(self.config), "device": device}
        return digest({"settings": settings, "version": self.stage.version})

    def _others(self) -> Replaced:
        return self.existing.replaced(self.stage.settings(self.config), self.checkpoint)

    def _count_replaced(self, result: AugmentResult, options: Options) -> int:
        """Count the existing faces that the run removes, including those beyond the request."""
        own, others = self.existing.own(), self.existing.others()
        elsewhere = [n for n in range(result.shards) if not options.mine(n)]
        going = {**others, **(own if options.overwrite else {})}
        return sum(
            rows
            for shard, rows in going.items()
            if shard not in elsewhere and (shard in others or shard < result.shards)
        )

    def _refuse_other_device(self) -> None:
        """Refuse to replace faces that were made on another kind of device."""
        for other in {"cpu", "cuda"} - {self.device}:
            if self.existing.made_with(self._hash(other)):
                raise UsageError(
                    f"the faces in {self.workspace.folder(self.stage.name)} were computed on"
                    f" {other}, and {self.device} would give slightly different values",
                    (
                        Again({"device": other}),
                        Again({"overwrite": True}, note="makes all of them again"),
                    ),
                )
