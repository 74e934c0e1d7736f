"""Run several stages in order, to bring a stage and its upstream stages up to date."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.config import STAGES, Config
from faceprep.config.sources import flatten
from faceprep.core.errors import Again, FaceprepError, UsageError
from faceprep.core.files import digest
from faceprep.core.progress import Progress
from faceprep.execution.consent import (
    Replaced,
    accept,
    asked,
    finished,
    refusal,
    replaced_by,
)
from faceprep.execution.failures import failed_faces
from faceprep.execution.plan import Options, StageResult, config_hash
from faceprep.execution.runner import run_stage
from faceprep.execution.submit import submit_stage
from faceprep.stages import load_stage
from faceprep.stages.select.comparison import has_photographs, replaced_selection
from faceprep.stages.select.result import SelectResult
from faceprep.workspace import Workspace
from faceprep.workspace.at_work import at_work
from faceprep.workspace.remembered import remember

if TYPE_CHECKING:
    from faceprep.stages.select.writer import Writer


@dataclass
class RunResult:
    """Result of a run."""

    select: SelectResult | None = None  # result of the selection, if it was run
    stages: list[StageResult] = field(default_factory=list)  # results of the other stages, in order
    #: Stage → numbers of its Slurm jobs, if the run does not wait for them.
    jobs: dict[str, list[str]] = field(default_factory=dict)

    @property
    def failed_shards(self) -> dict[str, dict[int, str]]:
        """Stage → failed shard → error."""
        return {result.stage: result.failed for result in self.stages if result.failed}

    @property
    def failed_rows(self) -> int:
        """Number of rows of the last stage that are not ``ok``."""
        if not self.stages:
            return 0
        return sum(rows for status, rows in self.stages[-1].status.items() if status != "ok")


def needed(until: str) -> list[str]:
    """Return the stages that ``until`` depends on, in order, itself last."""
    if until == "select":
        return ["select"]
    wanted = {until}
    for name in reversed(STAGES):
        if name in wanted and name != "select":
            wanted |= set(load_stage(name).upstream)
    return [name for name in STAGES if name in wanted]


def run(config: Config, names: list[str], options: Options, progress: Progress) -> RunResult:
    """Run stages in order, each over its outdated shards.

    Parameters
    ----------
    names
        Stages in order. `Options.overwrite` redoes the last, requested one, and with
        `Options.every_stage` all of them.

    Raises
    ------
    UsageError
        Finished results would be replaced without ``--overwrite``, or another command makes them
        with other settings now.
    FaceprepError
        A stage cannot continue. Finished shards are kept.
    """
    options.refuse_leaving(config.engine)
    if options.dry_run:
        return _run(config, names, options, progress)
    with at_work(config.workspace, *_work(config, names)):
        return _run(config, names, options, progress)


def _run(config: Config, names: list[str], options: Options, progress: Progress) -> RunResult:
    result = RunResult()
    stale: dict[str, set[int]] = {}
    if "select" not in names:
        _refuse_other_photographs(config)
        _begin(config, names, options)
    for name in names:
        last = name == names[-1]
        step = options if last else options.for_upstream()
        if name == "select":
            begin = partial(_begin, config, names, options)
            result.select = _select(config, step, progress, begin)
            stale[name] = set(result.select.todo)
        elif options.dry_run and result.select and _differs(result.select, config):
            result.stages.append(_estimate(name, config, result.select))
        else:
            stage = load_stage(name)
            changing = set().union(*(stale.get(up, set()) for up in stage.upstream))
            if options.wait or options.dry_run:
                done = run_stage(stage, config, step, progress, changing)
                if not options.dry_run:
                    done.findings = stage.findings(Workspace(config.workspace), config)
            else:
                after = [job for up in stage.upstream for job in result.jobs.get(up, ())]
                done, jobs = submit_stage(stage, config, step, progress, changing, after)
                result.jobs[name] = jobs
            result.stages.append(done)
            stale[name] = set(done.todo)
    return result


def remedies(config: Config, result: RunResult) -> Iterator[Again]:
    """Yield what may help for each stage that failed on more than half of its faces."""
    for done in result.stages:
        if 2 * failed_faces(done.status) > done.rows:
            hint = load_stage(done.stage).remedy(config, done.status)
            if hint is not None:
                yield hint


def _begin(
    config: Config, names: list[str], options: Options, planned: "Writer | None" = None
) -> None:
    """Refuse to replace finished results without consent; then record settings and consent.

    `planned`: dry run of the selection; None without one.
    """
    workspace = Workspace(config.workspace)
    stages = [load_stage(name) for name in names if name != "select"]
    found = {stage.name: one for stage in stages if (one := replaced_by(stage, config))}
    if planned is not None and not options.may_replace:
        selection = replaced_selection(config, planned.made(), planned.differences())
        found |= {"select": selection} if selection else {}
    if found and not options.may_replace:
        for stage in stages:
            follows = any(name in found and not found[name].alone for name in stage.upstream)
            amount = finished(workspace, stage.name) if follows else ""
            if amount:
                found.setdefault(stage.name, Replaced(stage.name, amount))
        read = (*names, "demo", "shard_size") if "select" in names else ()
        raise refusal(config, [found[name] for name in names if name in found], read)
    if options.dry_run:
        return
    remember(config, names)
    for stage in stages:
        if stage.name in found or asked(workspace, stage.name):
            accept(workspace, stage.name, config_hash(stage, config))
    if planned is not None and options.may_replace:
        accept(workspace, "select", planned.made())


def _work(config: Config, names: list[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what a run makes, and its settings, for `at_work`."""
    settings = config.settings()
    parts = {name: {name: settings[name]} for name in names}
    if "select" in parts:
        parts["select"] |= {"demo": settings["demo"], "shard_size": settings["shard_size"]}
        root = config.select.root
        parts["select"]["select"] |= {"root": None if root is None else str(root.absolute())}
    makes = {name: digest(part) for name, part in parts.items()}
    return makes, {key: v for part in parts.values() for key, v in flatten(part).items()}


def _refuse_other_photographs(config: Config) -> None:
    """Refuse to go on without `select` with a folder of other photographs."""
    workspace = Workspace(config.workspace)
    recorded = workspace.info("select").get("root")
    if recorded is None or (config.select.root is None and config.demo is None):
        return
    root = config.dataset_root()
    if not root.is_dir() or Path(recorded) == root.absolute() or has_photographs(workspace, root):
        return
    raise UsageError(
        f"{config.workspace} holds other photographs, those of {recorded}",
        Again({"select.root": recorded}),
    )


def _differs(select: SelectResult, config: Config) -> bool:
    """Return whether a planned selection changes the number of shards of the workspace."""
    return Workspace(config.workspace).info("select").get("shards") != select.shards


def _select(
    config: Config,
    options: Options,
    progress: Progress,
    begin: "Callable[[Writer | None], None]",
) -> SelectResult:
    from faceprep.stages.select.run import run_select

    if config.demo is not None and config.select.root is None:
        if options.dry_run and not config.dataset_root().is_dir():
            raise FaceprepError(
                f"the demo dataset is not drawn yet: {config.dataset_root()}",
                Again({"dry_run": False}, note="draws it first"),
            )
        if not options.dry_run:
            render(config, progress)
    before = int(Workspace(config.workspace).info("select").get("rows", 0))
    result = run_select(config, options, progress, begin)
    if result.rows < before:
        verb = "would be" if options.dry_run else "are"
        fewer = f"{before} → {result.rows} faces; results of the others {verb} removed"
        progress.say(f"select: {fewer}")
    return result


def render(config: Config, progress: Progress) -> None:
    """Render the demo dataset of a configuration, unless it exists."""
    from faceprep.demo import DemoSettings, render_demo
    from faceprep.execution.runner import workers

    assert config.demo is not None
    settings = DemoSettings(**config.demo.model_dump())
    render_demo(config.dataset_root(), settings, workers=workers(config), progress=progress)


def _estimate(name: str, config: Config, select: SelectResult | None) -> StageResult:
    """Estimate the result of a stage in a workspace that does not exist yet."""
    stage = load_stage(name)
    rows = select.rows if select else 0
    shards = -(-rows // config.shard_size)
    size = rows * stage.bytes_per_face
    return StageResult(name, shards, 0, list(range(shards)), rows, disk_bytes=size)


def summary(result: RunResult) -> dict[str, Any]:
    """Return the result as JSON-ready values."""
    return {
        "select": result.select.as_dict() if result.select else None,
        "stages": {stage.stage: vars(stage) for stage in result.stages},
        "jobs": result.jobs,
    }
