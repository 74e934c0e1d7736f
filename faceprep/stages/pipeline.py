"""Run several stages in order, to bring a stage and its upstream stages up to date."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faceprep.config import STAGES, Config
from faceprep.core.errors import Again, FaceprepError, UsageError
from faceprep.core.progress import Progress
from faceprep.execution.failures import failed_faces
from faceprep.execution.plan import Options, StageResult
from faceprep.execution.runner import run_stage
from faceprep.execution.submit import submit_stage
from faceprep.stages import load_stage
from faceprep.stages.select.result import SelectResult
from faceprep.workspace import Workspace
from faceprep.workspace.remembered import remember


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
        Stages in order; `Options.overwrite` redoes only the last, requested one.

    Raises
    ------
    FaceprepError
        A stage cannot continue. Finished shards are kept.
    """
    options.refuse_leaving(config.engine)
    result = RunResult()
    stale: dict[str, set[int]] = {}
    if not options.overwrite:
        _check_same_dataset(config)
    if "select" not in names and config.select.root is None:
        config = _with_recorded_root(config)
    if not options.dry_run:
        remember(config, names)
    for name in names:
        last = name == names[-1]
        step = options if last else options.for_upstream()
        if name == "select":
            result.select = _select(config, step, progress)
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


def _check_same_dataset(config: Config) -> None:
    """Refuse to replace the results of another dataset; a moved dataset is the same."""
    recorded = Workspace(config.workspace).info("select")
    if not recorded.get("root") or (config.select.root is None and config.demo is None):
        return
    dataset = recorded.get("config", {}).get("select", {}).get("dataset")
    if config.select.dataset is None:  # which the selection will say
        return
    old, new = Path(recorded["root"]), config.dataset_root().absolute()
    moved = not old.exists() or (new.exists() and old.samefile(new))
    if dataset in (None, config.select.dataset) and (old == new or moved):
        return
    raise UsageError(
        f"{config.workspace} holds another dataset: {dataset} of {old}",
        (
            Again({"workspace": config.workspace.with_name(f"{config.workspace.name}-2")}),
            Again({"overwrite": True}, note="replaces it"),
        ),
    )


def _differs(select: SelectResult, config: Config) -> bool:
    """Return whether a planned selection changes the number of shards of the workspace."""
    return Workspace(config.workspace).info("select").get("shards") != select.shards


def _with_recorded_root(config: Config) -> Config:
    """Return the settings with the dataset folder of an existing selection."""
    root = Workspace(config.workspace).info("select").get("root")
    if root is None:
        return config
    return config.model_copy(
        update={"select": config.select.model_copy(update={"root": Path(root)})}
    )


def _select(config: Config, options: Options, progress: Progress) -> SelectResult:
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
    result = run_select(config, options, progress)
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
