"""Plan of a stage: its finished and its missing shards.

A shard is identified by two hashes: of its input (the upstream parts) and of the settings that the
stage reads. Equal hashes mean equal output, so a finished shard with these hashes is kept, and
every other shard is made.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from faceprep.config import Config
from faceprep.core.errors import Again, FaceprepError, ManifestError, UsageError
from faceprep.core.files import digest
from faceprep.execution.job import Job
from faceprep.execution.stage import Stage
from faceprep.workspace import Marker, Workspace
from faceprep.workspace.manifest import read_provenance


@dataclass(frozen=True)
class Options:
    """Options of a run, none of which changes the output."""

    overwrite: bool = False  # redo finished shards of the requested stage
    every_stage: bool = False  # `overwrite` redoes those of the stages before it too
    replace: bool = False  # finished shards of other settings may be replaced
    retry_failed: bool = False  # redo rows whose status is not ``ok``
    dry_run: bool = False  # change nothing; report what would be done
    #: ``(i, n)``: only shards whose number is ``i - 1`` modulo ``n``.
    shard: tuple[int, int] | None = None
    only: frozenset[int] | None = None  # only these shards
    wait: bool = True  # wait for the cluster's jobs; otherwise submit them and return

    @property
    def may_replace(self) -> bool:
        """Whether finished results of other settings may be replaced or removed."""
        return self.overwrite or self.replace

    def for_upstream(self) -> "Options":
        """Return the options for the stages before the requested one."""
        overwrite = self.overwrite and self.every_stage
        return replace(self, overwrite=overwrite, replace=self.may_replace)

    def refuse_leaving(self, engine: str) -> None:
        """Raise `UsageError` if ``--no-wait`` is given with an engine that has no queue."""
        if not self.wait and engine != "slurm":
            raise UsageError("--no-wait leaves jobs to Slurm", Again({"engine": "slurm"}))

    def mine(self, shard: int) -> bool:
        """Return whether this process is responsible for a shard."""
        if self.only is not None and shard not in self.only:
            return False
        return self.shard is None or shard % self.shard[1] == self.shard[0] - 1


@dataclass
class StageResult:
    """Result of one stage."""

    stage: str  # name of the stage
    #: Number of shards of this process, and of those that were finished at the start.
    shards: int
    done_before: int
    todo: list[int]  # numbers of the shards to make
    #: Number of rows in all its shards, and in the new ones.
    rows: int
    rows_made: int = 0
    #: Number of rows by status over its finished shards, including earlier ones.
    status: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0  # wall time
    failed: dict[int, str] = field(default_factory=dict)  # failed shard → error
    findings: dict[str, Any] = field(default_factory=dict)  # see `Stage.findings`
    reasons: list[str] = field(default_factory=list)  # reasons of failed faces, with counts
    disk_bytes: int = 0  # estimated size of the shards in ``todo``
    outdated: int = 0  # number of finished shards in ``todo`` whose input has changed


def config_hash(stage: Stage, config: Config) -> str:
    """Hash the settings that a stage reads, and its version."""
    return digest({"settings": stage.settings(config), "version": stage.version})


def plan_stage(
    stage: Stage, config: Config, options: Options, changing: Collection[int] = ()
) -> tuple[list[Job], StageResult]:
    """Return the jobs of the missing shards, and the result so far.

    `changing`: shards that upstream stages will make again.
    Raises `FaceprepError`: the workspace has no selected frames.
    """
    workspace = Workspace(config.workspace)
    hashed, settings = config_hash(stage, config), digest(stage.settings(config))
    jobs, missing, outdated = [], [], 0
    mine = [shard for shard in range(shard_count(workspace)) if options.mine(shard)]
    rows = {shard: row_count(workspace, shard) for shard in mine}
    stamps = workspace.stamps(stage.name)
    for shard in mine:
        upstream = [workspace.marker(up, shard) for up in stage.upstream]
        if any(marker is None for marker in upstream):
            missing.append(shard)
            if options.dry_run:
                jobs.append(Job(stage, shard, config, "", hashed))
            continue
        input_hash = digest([marker.output for marker in upstream if marker])
        marker = workspace.marker(stage.name, shard)
        accepted = hashed
        if marker and marker.config != hashed and has_remarks(marker, stage, workspace, settings):
            accepted = marker.config
        done = workspace.is_done(stage.name, shard, input_hash, accepted)
        failed = marker is not None and bool(set(marker.status) - {"ok"})
        outdated += marker is not None and marker.config == accepted and marker.input != input_hash
        redo_failed = done and options.retry_failed and failed
        if not done or options.overwrite or redo_failed or shard in changing:
            keep, before = redo_failed and not options.overwrite, done and stamps.get(shard)
            jobs.append(Job(stage, shard, config, input_hash, hashed, keep, before or None))
    result = StageResult(
        stage=stage.name,
        shards=len(mine),
        done_before=len(mine) - len(jobs) - (0 if options.dry_run else len(missing)),
        todo=[job.shard for job in jobs],
        rows=sum(rows.values()),
        outdated=outdated,
    )
    if not options.dry_run:
        result.failed |= dict.fromkeys(missing, f"{stage.upstream[-1]} has not made this shard")
    result.disk_bytes = stage.bytes_per_face * sum(rows[job.shard] for job in jobs)
    return jobs, result


def has_remarks(marker: Marker, stage: Stage, workspace: Workspace, settings: str) -> bool:
    """Return whether a shard differs from these settings in remarks of an earlier version only."""
    try:
        provenance = read_provenance(workspace.part(stage.name, marker.shard))
    except ManifestError:
        return False
    recorded = provenance.get("settings") or {}
    plain = stage.without_remarks(recorded)
    if plain == recorded or digest(plain) != settings:
        return False
    return digest({"settings": recorded, "version": stage.version}) == marker.config


def announcement(stage: Stage, config: Config, result: StageResult, options: Options) -> str:
    """Return one line that announces the run, with the changed settings that cause it."""
    if not result.todo:
        missing = f", {len(result.failed)} shards lack their input" if result.failed else ""
        return f"{stage.name}: up to date ({result.rows} rows){missing}"
    before = Workspace(config.workspace).info(stage.name).get("settings", {})
    now = stage.settings(config)
    changed = [
        f"{stage.name}.{key} {before[key]} → {now[key]}"
        for key in sorted(now)
        if key in before and before[key] != now[key]
    ]
    if not changed and result.outdated:
        changed = [f"{' or '.join(stage.upstream)} changed"]
    why = f" ({', '.join(changed)})" if changed else ""
    verb = "would do" if options.dry_run else "doing"
    return f"{stage.name}: {verb} {len(result.todo)} of {result.shards} shards{why}"


def shard_count(workspace: Workspace) -> int:
    """Return the number of shards that ``select`` made.

    Raises `FaceprepError`: the workspace has no selected frames.
    """
    info = workspace.info("select")
    if "shards" not in info:
        raise FaceprepError(
            f"{workspace.root} has no selected frames",
            Again({"only": False}, note="selects them first"),
        )
    return int(info["shards"])


def row_count(workspace: Workspace, shard: int) -> int:
    """Return the number of selected frames of a shard."""
    marker = workspace.marker("select", shard)
    return marker.rows if marker else 0
