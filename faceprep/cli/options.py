"""Flags that several verbs take, and the configuration that follows from them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from faceprep.config.sources import Resolved

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
EngineName = Annotated[
    str | None, typer.Option("--engine", help="local, slurm or dask: who runs the workers.")
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Of a Dask cluster: tcp://HOST:8786."),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="With Slurm: submit the jobs, and leave.")]
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


def resolve_flags(arguments: dict[str, Any]) -> "Resolved":
    """Return the configuration that follows from the arguments of a verb, with its sources.

    Raises
    ------
    UsageError
        A flag, a key or a file is wrong, or a verb that takes no ``--scheduler`` is to use Dask.
    """
    from faceprep.config.sources import parse_assignment, resolve
    from faceprep.core.errors import UsageError
    from faceprep.workspace.discover import holds_dataset

    keys = {
        "workspace": "workspace",
        "workers": "workers",
        "engine": "engine",
        "scheduler": "dask.scheduler",
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
    if "dask.scheduler" in flags and "engine" not in flags:
        flags["engine"] = ("dask", flags["dask.scheduler"][1])
    resolved = resolve(file=arguments["config"], flags=flags, holds_dataset=holds_dataset)
    takes_dask = "scheduler" in arguments or "engine" not in arguments
    if resolved.config.engine == "dask" and not takes_dask:
        raise UsageError(
            "trainings do not go to Dask workers; the stages up to the crops and augment do",
            "--engine local trains here, --engine slurm in a job",
        )
    return resolved
