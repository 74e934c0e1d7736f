"""Flags that several verbs share, and the configuration built from them."""

import copy
import functools
import inspect
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from faceprep.cli.completion import complete_assignment
from faceprep.cli.effect import (
    later_settings,
    machine_notes,
    note_redundant,
    refuse_repeated,
    refuse_without_effect,
)
from faceprep.cli.remedies.words import SETTINGS
from faceprep.core.disk import refuse_unwritable
from faceprep.core.errors import Again
from faceprep.core.terminal import fitted
from faceprep.core.vocabulary import DEFAULT_GENERATOR, Dataset, DeviceKind, EngineKind
from faceprep.generators.kinds import KINDS

if TYPE_CHECKING:
    from faceprep.config import Config
    from faceprep.config.sources import Resolved

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="Pipeline file, as in pipelines/."),
]
WorkspaceDir = Annotated[
    str | None,
    typer.Option(
        "--workspace", metavar="DIR", help="Folder for the results; manifests/NAME if not given."
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="stage.key=value",
        help="Set any key, see faceprep config explain; repeatable.",
        autocompletion=complete_assignment,
    ),
]


def choices(kind: Any) -> str:
    """Return the words of a `Literal`, or of a tuple, as a help page shows them."""
    return "|".join(kind if isinstance(kind, tuple) else get_args(kind))


DatasetName = Annotated[
    str | None,
    typer.Option("--dataset", metavar=choices(Dataset), help="Kind of dataset to read."),
]
Root = Annotated[str | None, typer.Option("--root", metavar="DIR", help="Folder of the dataset.")]
Workers = Annotated[
    int | None, typer.Option("--workers", "-j", min=1, help="Processes (one per core).")
]
EngineName = Annotated[
    str | None,
    typer.Option("--engine", metavar=choices(EngineKind), help="What runs the workers."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler", metavar="ADDRESS", help="Address of a Dask scheduler, tcp://HOST:8786."
    ),
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Slurm: submit the jobs and return at once.")
]
Device = Annotated[
    str | None,
    typer.Option("--device", metavar=choices(DeviceKind), help="What computes the networks."),
]
Shard = Annotated[
    str | None, typer.Option("--shard", metavar="i/n", help="Do the i-th of n parts only (1/4).")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first N frames.")]


#: Largest seed that every library takes.
MOST_SEED = 2**31 - 1


def seed_of(what: str) -> Any:
    """Return the option ``--seed``, whose help says what it seeds."""
    return typer.Option("--seed", min=0, max=MOST_SEED, metavar="N", help=f"Seed of {what}.")


Seed = Annotated[int | None, seed_of("the split and the folds, where they are drawn (select.seed)")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and stop.")]
Only = Annotated[bool, typer.Option("--only", help="Do not update the stages before it.")]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Redo the results of this command; replace those before it that have other settings.",
    ),
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Redo rows that are not ok.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show tracebacks of errors.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print no progress, notes or summaries.")
]
GeneratorKind = Annotated[
    str | None,
    typer.Option(
        "--generator",
        metavar=choices(tuple(KINDS)),
        help=f"Kind of generator; {DEFAULT_GENERATOR} if not given.",
    ),
]

#: Flags of the verbs that run stages, by parameter, in the order of their help.
_FLAGS: dict[str, Any] = {
    "config": ConfigFile,
    "dataset": DatasetName,
    "root": Root,
    "workspace": WorkspaceDir,
    "set_": Assignments,
    "workers": Workers,
    "engine": EngineName,
    "scheduler": Scheduler,
    "device": Device,
    "shard": Shard,
    "limit": Limit,
    "seed": Seed,
    "only": Only,
    "overwrite": Overwrite,
    "retry_failed": RetryFailed,
    "dry_run": DryRun,
    "no_wait": NoWait,
    "json": Json,
    "verbose": Verbose,
    "quiet": Quiet,
}


#: Group of a shared flag in the help of a verb.
_PANELS = {
    **dict.fromkeys(
        ("config", "dataset", "root", "workspace", "set_", "limit", "seed"), "Settings"
    ),
    **dict.fromkeys(("only", "overwrite", "retry_failed", "shard", "dry_run"), "What is done"),
    **dict.fromkeys(("workers", "engine", "scheduler", "device", "no_wait"), "Where it runs"),
    **dict.fromkeys(("json", "verbose", "quiet"), "Output"),
}


def _in_panel(name: str, annotation: Any) -> Any:
    """Return the annotation of a shared flag with its group in the help."""
    flag = copy.copy(annotation.__metadata__[0])
    flag.rich_help_panel = _PANELS[name]
    return Annotated[annotation.__origin__, flag]


def stage_flags(
    without: Collection[str] = (),
    own_first: bool = False,
    seed: Any = Seed,
    only: Collection[str] = tuple(_FLAGS),
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Add the flags that run stages to a verb, which receives them as keyword arguments.

    Parameters
    ----------
    without
        Parameters that the verb does not take.
    own_first
        List the verb's own flags before ``--config`` in the help, else after it. An own parameter
        with the name of a shared one replaces it.
    seed
        Type of ``--seed``, whose meaning depends on the verb.
    only
        Parameters that the verb takes, by default all.
    """

    def decorate(verb: Callable[..., int]) -> Callable[..., int]:
        parameters = inspect.signature(verb).parameters.values()
        own = {one.name: one for one in parameters if one.kind is not one.VAR_KEYWORD}
        shared = {
            name: inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=False if annotation.__origin__ is bool else None,
                annotation=_in_panel(name, annotation),
            )
            for name, annotation in {**_FLAGS, "seed": seed}.items()
            if name in only and name not in without
        }
        replaced = {name: one for name, one in own.items() if name in shared}
        added = [one for name, one in own.items() if name not in shared]
        listed = [*(shared | replaced).values()]
        place = 0 if own_first else 1
        listed[place:place] = added

        @functools.wraps(verb)
        def run(**arguments: Any) -> int:
            return verb(**arguments)

        listed = [one.replace(kind=one.KEYWORD_ONLY) for one in listed]
        run.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in listed}
        return run

    return decorate


def as_settings(flags: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags with `values` by key added as ``--set``, including ``--seed``."""
    assigned = [f"{key}={value}" for key, value in values.items() if value is not None]
    return {**flags, "seed": None, "set_": [*(flags["set_"] or []), *assigned]}


def resolve_flags(
    arguments: Mapping[str, Any],
    read: "Callable[[Config], Collection[str]] | None" = None,
    later: Collection[str] = (),
) -> "Resolved":
    """Return the configuration built from the arguments of a verb, with its sources.

    Parameters
    ----------
    read
        Function that returns the sections and settings that the verb reads; by default all.
    later
        Sections whose settings get a note, as the same command may be typed again for them.

    Raises
    ------
    UsageError
        A flag, key or file is invalid, a typed setting has no effect, or Dask is configured for a
        verb without ``--scheduler``.
    """
    from faceprep.config.sources import parse_assignment, resolve
    from faceprep.core.errors import UsageError
    from faceprep.workspace.remembered import remembered

    refuse_repeated()
    flags: dict[str, tuple[Any, str]] = {}
    for assignment in arguments.get("set_") or []:
        key, value = parse_assignment(assignment)
        flags[key] = (value, "--set")
    for name, key in SETTINGS.items():
        if arguments.get(name) is not None:
            flags[key] = (arguments[name], f"--{name}")
    if "dask.scheduler" in flags and "engine" not in flags:
        flags["engine"] = ("dask", flags["dask.scheduler"][1])
    resolved = resolve(file=arguments["config"], flags=flags, remembered=remembered)
    takes_dask = "scheduler" in arguments or "engine" not in arguments
    config = resolved.config
    if config.engine == "dask" and not takes_dask:
        raise UsageError(
            "trainings do not go to Dask workers; the stages up to the crops and augment do",
            Again(
                {"engine": "local", "scheduler": None}, note="trains here; slurm trains in a job"
            ),
        )
    if "overwrite" in arguments and not arguments["dry_run"]:
        refuse_unwritable(config.workspace, "choose another folder with --workspace")
    if read is not None:
        sections, notes = read(config), list[str]()
        waiting = later_settings(flags, sections, later)
        now = {key: one for key, one in flags.items() if key not in waiting}
        refuse_without_effect(config, now, sections)
        if waiting:
            notes.append(f"note: not read until a later stage: {', '.join(waiting)}")
        notes += [*note_redundant(arguments), *machine_notes(config, flags, sections)]
        if not arguments.get("quiet"):
            for note in notes:
                print(fitted(note, sys.stderr), file=sys.stderr)
    return resolved
