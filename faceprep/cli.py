"""The command line: parse, call one function, print.

Results go to stdout, progress and messages to stderr. Exit codes: 0 done, 1 failed, 2 usage or
configuration, 3 done but some rows failed, 5 a needed tool or weight file is missing,
130 interrupted.
"""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from faceprep import __version__
from faceprep.errors import FaceprepError, UsageError

DONE, FAILED, SOME_ROWS_FAILED, INTERRUPTED = 0, 1, 3, 130

app = typer.Typer(
    name="faceprep",
    help="Facial-expression datasets: select frames, align faces, heatmaps, Action Units.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="Pipeline file (pipelines/*.toml).")
]
WorkspaceDir = Annotated[
    str | None,
    typer.Option("--workspace", help="Folder for the results; manifests/NAME if not given."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="stage.key=value", help="Set any key; repeatable."),
]
DatasetName = Annotated[
    str | None, typer.Option("--dataset", help="oulu-casia, ck-plus, celeba or folder.")
]
Root = Annotated[str | None, typer.Option("--root", help="Folder of the dataset.")]
Workers = Annotated[
    int | None, typer.Option("--workers", "-j", min=1, help="Processes (one per core).")
]
EngineName = Annotated[str | None, typer.Option("--engine", help="local.")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")]
Shard = Annotated[
    str | None, typer.Option("--shard", metavar="i/n", help="Do the i-th of n parts only (1/4).")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first N frames.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Of random splits.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]
Only = Annotated[bool, typer.Option("--only", help="Leave the stages before it as they are.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Redo what is done already.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Redo rows that are not ok.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Tracebacks of errors.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no messages.")]


def _guarded(verb: Callable[..., int]) -> Callable[..., None]:
    """Turn errors into one message with the next command, and a result into an exit code."""

    @functools.wraps(verb)
    def run(**arguments: Any) -> None:
        try:
            code = verb(**arguments)
        except KeyboardInterrupt:
            _complain("interrupted", "type the same command again; it goes on where it was")
            raise typer.Exit(INTERRUPTED) from None
        except FaceprepError as error:
            if arguments.get("verbose"):
                raise
            _complain(f"error: {error.message}", error.hint)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:  # the reader of our output left, as `| head` does
            sys.stderr.close()
            raise typer.Exit(DONE) from None
        except typer.Exit:
            raise
        except Exception as error:
            if arguments.get("verbose"):
                raise
            _complain(f"error: {type(error).__name__}: {error}", "add -v for the traceback")
            raise typer.Exit(FAILED) from None
        raise typer.Exit(code)

    return run


def _complain(message: str, hint: str | None) -> None:
    print(message, file=sys.stderr)
    if hint:
        print(f"  → {hint}", file=sys.stderr)


def _stage_verb(stage: str, text: str) -> None:
    """Add the verb of one stage; all of them take the same flags."""

    def verb(
        config: ConfigFile = None,
        dataset: DatasetName = None,
        root: Root = None,
        workspace: WorkspaceDir = None,
        set_: Assignments = None,
        workers: Workers = None,
        engine: EngineName = None,
        device: Device = None,
        shard: Shard = None,
        limit: Limit = None,
        seed: Seed = None,
        only: Only = False,
        overwrite: Overwrite = False,
        retry_failed: RetryFailed = False,
        dry_run: DryRun = False,
        json: Json = False,
        verbose: Verbose = False,
        quiet: Quiet = False,
    ) -> int:
        from faceprep import pipeline

        return _run_stages(locals(), [stage] if only else pipeline.needed(stage))

    verb.__doc__ = text
    app.command(stage)(_guarded(verb))


@app.command("run")
@_guarded
def run_(
    config: ConfigFile = None,
    until: Annotated[str, typer.Option("--until", help="Last stage to run.")] = "aus",
    dataset: DatasetName = None,
    root: Root = None,
    workspace: WorkspaceDir = None,
    set_: Assignments = None,
    workers: Workers = None,
    engine: EngineName = None,
    device: Device = None,
    shard: Shard = None,
    limit: Limit = None,
    seed: Seed = None,
    overwrite: Overwrite = False,
    retry_failed: RetryFailed = False,
    dry_run: DryRun = False,
    json: Json = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Run every stage that is not up to date, in order.

    faceprep run -c pipelines/ck_plus.toml --set select.root=/data/CK+ --until aus
    """
    from faceprep.config import STAGES

    if until not in STAGES:
        raise UsageError(f"no stage {until!r}", f"--until with one of: {', '.join(STAGES)}")
    return _run_stages(locals(), list(STAGES[: STAGES.index(until) + 1]))


_stage_verb(
    "select",
    """Choose frames, subjects, expressions and splits of a dataset.

    faceprep select --dataset ck-plus --root /data/CK+
    """,
)
_stage_verb(
    "align",
    """Detect faces, find landmarks, and crop them aligned to 128×128.

    faceprep align --dataset folder --root ~/photos --workspace out -j 2
    """,
)
_stage_verb(
    "heatmaps",
    """Draw the 68 landmarks of every crop as Gaussian heatmaps.

    faceprep heatmaps -c pipelines/ck_plus.toml --set select.root=/data/CK+
    """,
)
_stage_verb(
    "aus",
    """Estimate the Action Units of every face.

    faceprep aus -c pipelines/ck_plus.toml --set select.root=/data/CK+
    """,
)


@app.command()
@_guarded
def demo(
    directory: Annotated[Path, typer.Argument(help="Folder to make.")],
    layout: Annotated[str, typer.Option(help="oulu-casia, ck-plus or celeba.")] = "oulu-casia",
    subjects: Annotated[int | None, typer.Option(help="Number of people.")] = None,
    frames: Annotated[int | None, typer.Option(help="Frames of a sequence.")] = None,
    difficulty: Annotated[float | None, typer.Option(help="0 easy … 1 hard.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, other people.")] = None,
    workers: Workers = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Render a dataset of drawn faces in the on-disk layout of a real one.

    faceprep demo out/demo --layout ck-plus --subjects 20
    """
    from faceprep.pipeline import render
    from faceprep.progress import Progress
    from faceprep.sources import resolve

    chosen = {
        "demo.layout": layout,
        "demo.subjects": subjects,
        "demo.frames": frames,
        "demo.difficulty": difficulty,
        "demo.seed": seed,
        "select.root": str(directory),
        "workers": workers,
    }
    flags = {
        key: (value, f"--{key.split('.')[-1]}")
        for key, value in chosen.items()
        if value is not None
    }
    config = resolve(flags=flags).config
    with Progress(quiet=quiet) as progress:
        render(config, progress)
    print(f"{directory}: {config.demo.subjects if config.demo else 0} subjects, layout {layout}")
    _next(f"faceprep run --dataset {layout} --root {directory}", quiet)
    return DONE


@app.command()
@_guarded
def show(
    path: Annotated[Path | None, typer.Argument(help="Workspace, stage or manifest.")] = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Draw a contact sheet into this PNG.")
    ] = None,
    per_expression: Annotated[
        int, typer.Option("--per-expression", min=1, help="Faces of each on the sheet.")
    ] = 9,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, other faces.")] = 0,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Print the stages of a workspace with counts by status, or the rows of one manifest.

    faceprep show manifests/demo --sheet sheet.png
    """
    from faceprep.report.show import show as describe
    from faceprep.report.show import workspace_of
    from faceprep.report.tables import print_result

    renderables, data = describe(path)
    if sheet is not None:
        from faceprep.report.sheet import contact_sheet

        drawn = contact_sheet(workspace_of(path), sheet, per_expression=per_expression, seed=seed)
        renderables, data = [*renderables, str(drawn)], {**data, "sheet": drawn.as_dict()}
    print_result(renderables, data, as_json=json)
    if sheet is None and data["kind"] == "workspace" and not data["next"]:
        _next(f"faceprep show {data['workspace']} --sheet sheet.png", quiet=json)
    return DONE


@app.command()
@_guarded
def doctor(workspace: WorkspaceDir = None, json: Json = False, verbose: Verbose = False) -> int:
    """Say which detectors, models, GPU and engines are there, and what to type for the rest.

    faceprep doctor
    """
    from faceprep.report.doctor import doctor as look
    from faceprep.report.doctor import doctor_tables, exit_code
    from faceprep.report.tables import print_result

    checks = look(Path(workspace) if workspace else None)
    print_result(*doctor_tables(checks), as_json=json)
    return exit_code(checks)


@config_app.command("show")
@_guarded
def config_show(
    config: ConfigFile = None,
    dataset: DatasetName = None,
    root: Root = None,
    workspace: WorkspaceDir = None,
    set_: Assignments = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Print every key with its value and where the value came from."""
    from faceprep.report.tables import config_table, print_result

    print_result(*config_table(_resolve(locals())), as_json=json)
    return DONE


def _resolve(arguments: dict[str, Any]) -> Any:
    """Configuration from the arguments of a verb."""
    from faceprep.sources import parse_assignment, resolve

    keys = {
        "workspace": "workspace",
        "workers": "workers",
        "engine": "engine",
        "device": "device",
        "dataset": "select.dataset",
        "root": "select.root",
        "limit": "select.limit",
        "seed": "select.seed",
    }
    flags: dict[str, tuple[Any, str]] = {}
    for assignment in arguments.get("set_") or []:
        key, value = parse_assignment(assignment)
        flags[key] = (value, "--set")
    for name, key in keys.items():
        if arguments.get(name) is not None:
            flags[key] = (arguments[name], f"--{name}")
    return resolve(file=arguments["config"], flags=flags)


def _run_stages(arguments: dict[str, Any], stages: list[str]) -> int:
    from faceprep import pipeline
    from faceprep.progress import Progress
    from faceprep.report.tables import print_result, run_tables
    from faceprep.runner import Options

    config = _resolve(arguments).config
    options = Options(
        overwrite=arguments["overwrite"],
        retry_failed=arguments["retry_failed"],
        dry_run=arguments["dry_run"],
        shard=_part(arguments["shard"]),
    )
    with Progress(quiet=arguments["quiet"]) as progress:
        result = pipeline.run(config, stages, options, progress)
    print_result(*run_tables(config, result, options), as_json=arguments["json"])
    for stage, failures in result.failed_shards.items():
        for shard, error in failures.items():
            _complain(f"error: {stage} shard {shard}: {error}", None)
    if result.failed_shards:
        _complain("  → type the same command again; only these shards are redone", None)
        return FAILED
    if not options.dry_run:
        _next(f"faceprep show {config.workspace} --sheet sheet.png", arguments["quiet"])
    return SOME_ROWS_FAILED if result.failed_rows else DONE


def _part(text: str | None) -> tuple[int, int] | None:
    """``3/64`` → (3, 64)."""
    if text is None:
        return None
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise UsageError(f"--shard {text}: expected i/n with 1 ≤ i ≤ n", "--shard 1/4")
    return int(index), int(count)


def _next(command: str, quiet: bool) -> None:
    if not quiet:
        print(f"  → {command}", file=sys.stderr)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"faceprep {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Facial-expression datasets: select frames, align faces, heatmaps, Action Units."""


def main() -> None:
    """Entry point of the console script."""
    app()
