"""``faceprep show PATH``: a workspace, one stage of it, or one manifest."""

import difflib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.cli.commands.workspace import command
from faceprep.config import STAGES
from faceprep.core.errors import ManifestError, UsageError
from faceprep.generators import trained
from faceprep.report import view
from faceprep.report.generated import (
    CLASSIFY,
    VERBS,
    generators,
    history,
    summarize_accuracy,
    summarize_synthetic,
    summarize_training,
    synthetic_rows,
)
from faceprep.report.summary import (
    failures,
    summarize_shards,
    summarize_stage,
    summarize_workspace,
)
from faceprep.workspace import Workspace, manifest

if TYPE_CHECKING:
    from rich.console import RenderableType

    Page = tuple[list[RenderableType], dict[str, Any]]

#: Where workspaces lie unless the configuration says otherwise.
WORKSPACES = Path("manifests")

#: What to type to look at a workspace.
SHOW = "faceprep show {}"


def show(path: Path | None = None) -> "Page":
    """Describe what lies at a path, for people and for programs.

    Parameters
    ----------
    path
        A workspace, a folder of a stage or verb, a manifest or its marker. Without one: the only
        workspace below ``manifests/``.

    Returns
    -------
    What to print, and the same as JSON-ready values; ``kind`` says which of the three it is.

    Raises
    ------
    UsageError
        When there is nothing of the kind; names the nearest workspace.
    ManifestError
        When a manifest is not readable Parquet.
    """
    path = _only_workspace() if path is None else path
    if path.suffix == ".json" and path.with_suffix(".parquet").is_file():
        path = path.with_suffix(".parquet")
    if path.is_file():
        return show_manifest(path)
    if is_workspace(path):
        return show_workspace(path)
    if path.name in STAGES and is_workspace(path.parent) and path.is_dir():
        return show_stage(path)
    found = generated_at(path)
    if found is not None:
        return show_generated(*found)
    raise _nothing_at(path)


def show_workspace(path: Path) -> "Page":
    """Stages, failures, expressions, AUs and the next command of a workspace."""
    data = summarize_workspace(Workspace(path))
    return view.workspace_view(data), data


def show_stage(path: Path) -> "Page":
    """Shards, settings, versions and failures of one stage's folder."""
    workspace, stage = Workspace(path.parent), path.name
    data = {
        "kind": "stage",
        "workspace": str(workspace.root),
        **summarize_stage(workspace, stage),
        "shard_list": summarize_shards(workspace, stage),
        "failures": failures(workspace, stage),
    }
    return view.stage_view(data), data


def generated_at(path: Path) -> "tuple[Workspace, str, list[str]] | None":
    """Workspace, verb and generators of a folder that ``train``, ``augment`` or ``classify`` made.

    None where it is none, or holds nothing of theirs. ``classify`` has one folder for all.
    """
    if not path.is_dir():
        return None
    if path.name == CLASSIFY and is_workspace(path.parent):
        workspace = Workspace(path.parent)
        return (workspace, CLASSIFY, []) if summarize_accuracy(workspace) else None
    for folder, names in ((path, None), (path.parent, [path.name])):
        if folder.name in VERBS and folder.name != CLASSIFY and is_workspace(folder.parent):
            workspace = Workspace(folder.parent)
            known = generators(workspace, folder.name)
            wanted = known if names is None else [name for name in names if name in known]
            return (workspace, folder.name, wanted) if wanted else None
    return None


def show_generated(workspace: Workspace, verb: str, names: list[str]) -> "Page":
    """Trainings with the end of their history, synthetic faces, or the table of accuracies."""
    found = []
    for name in names:
        if verb == trained.STAGE:
            folder = trained.folder_of(workspace.root, name)
            found.append({**summarize_training(workspace, name), "history": history(folder)})
        else:
            rows = synthetic_rows(workspace, name)
            found.append({**summarize_synthetic(workspace, name), "first_rows": rows})
    accuracy = summarize_accuracy(workspace) if verb == CLASSIFY else None
    generated = [accuracy] if accuracy else found
    data = {
        "kind": verb,
        "workspace": str(workspace.root),
        "verb": verb,
        "generated": generated,
    }
    return view.generated_view(data), data


def show_manifest(path: Path, rows: int = 3) -> "Page":
    """Columns, provenance, counts and the first rows of one Parquet file.

    Any Parquet file can be shown; one of ours is also checked against its schema.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    provenance = manifest.read_provenance(path)
    stage = str(provenance.get("stage", ""))
    try:
        with pq.ParquetFile(path) as file:
            total, schema = file.metadata.num_rows, file.schema_arrow
            if manifest.verb_of(stage) in manifest.SCHEMAS:
                table = file.read()
            else:
                first = next(file.iter_batches(batch_size=rows), None)
                table = schema.empty_table() if first is None else pa.Table.from_batches([first])
    except (pa.ArrowInvalid, OSError) as error:
        raise ManifestError(f"{path} is not readable Parquet: {error}", _redo(path)) from None
    ours = manifest.verb_of(stage) in manifest.SCHEMAS
    data = {
        "kind": "manifest",
        "path": str(path),
        "stage": stage or None,
        "rows": total,
        "bytes": path.stat().st_size,
        "problem": _problem(path, stage),
        "provenance": provenance,
        "counts": _counts(table) if ours else {},
        "columns": [
            {
                "name": field.name,
                "type": _type_name(field.type),
                "nulls": table.column(field.name).null_count if ours else None,
            }
            for field in schema
        ],
        "first_rows": table.slice(0, rows).to_pylist(),
    }
    return view.manifest_view(data), data


def workspace_of(path: Path | None = None, ask: str = SHOW, generator: bool = False) -> Path:
    """Return the workspace that holds a path: itself, or of which it is a stage or a manifest.

    Parameters
    ----------
    path
        Without one: the only workspace below ``manifests/``.
    ask
        What the error suggests to type, with ``{}`` where the nearest workspace stands.
    generator
        Suggest only workspaces with a trained generator.

    Raises
    ------
    UsageError
        When there is none; names the nearest.
    """
    path = _only_workspace(ask, generator) if path is None else path
    for folder in (path, path.parent, path.parent.parent):
        if is_workspace(folder):
            return folder
    raise _nothing_at(path, ask, generator)


def is_workspace(path: Path) -> bool:
    """Whether a folder holds at least one stage that ran."""
    workspace = Workspace(path)
    return any((path / stage / "stage.json").is_file() for stage in STAGES) or any(
        workspace.shards(stage) for stage in STAGES
    )


def find_workspaces(folder: Path, depth: int = 2) -> list[Path]:
    """Workspaces in a folder and the folders below it, by name."""
    if is_workspace(folder):
        return [folder]
    if depth == 0:
        return []
    found: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            below = sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
    for name in below:
        found += find_workspaces(Path(name), depth - 1)
    return found


def _only_workspace(ask: str = SHOW, generator: bool = False) -> Path:
    found = find_workspaces(WORKSPACES)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"no workspace below {WORKSPACES}/", _first_command(generator))
    names = ", ".join(str(path) for path in found)
    fit = _fitting(found, generator)
    raise UsageError(f"which workspace? {names}", _asking(ask, (fit or found)[0]))


def _nothing_at(path: Path, ask: str = SHOW, generator: bool = False) -> UsageError:
    """Say what is there instead, and the nearest thing that could be meant.

    That is around the path, in it, below ``manifests/``, or is spelled much like it; whatever else
    lies beside the path may be anybody's.
    """
    near = [parent for parent in path.parents if is_workspace(parent)]
    near += find_workspaces(path) if path.is_dir() else []
    near += _alike(path, find_workspaces(path.parent, depth=1))
    others = find_workspaces(WORKSPACES)
    near = _fitting([*near, *_alike(path, others, cutoff=0.4), *others], generator)
    what = (
        f"{path} is neither a workspace nor a stage of one" if path.exists() else f"no {path} here"
    )
    kind = "workspace with a trained generator" if generator else "workspace"
    if not near:
        return UsageError(f"{what}; no {kind} found", _first_command(generator))
    names = ", ".join(dict.fromkeys(str(other) for other in near[:5]))
    return UsageError(f"{what}; found: {names}", _asking(ask, near[0]))


def _alike(path: Path, others: list[Path], cutoff: float = 0.6) -> list[Path]:
    """Those of a name like a path's."""
    close = difflib.get_close_matches(path.name, [other.name for other in others], 1, cutoff)
    return [other for other in others if other.name in close]


def _fitting(found: list[Path], generator: bool) -> list[Path]:
    """Those that have a trained generator, where one is needed."""
    if not generator:
        return found
    return [path for path in found if trained.file_of(path).is_file()]


def _asking(ask: str, path: Path) -> str:
    return ask.format(shlex.quote(str(path)))


def _first_command(generator: bool) -> str:
    return f"faceprep {'train' if generator else 'run'}   (the demo dataset)"


def _problem(path: Path, stage: str) -> str | None:
    if manifest.verb_of(stage) not in manifest.SCHEMAS:
        return None
    try:
        manifest.read_part(path, stage)
    except ManifestError as error:
        return error.message
    return None


def _redo(path: Path) -> str | None:
    stage = path.parent.name
    if stage not in STAGES:
        return None
    return command(Workspace(path.parent.parent), stage)


def _counts(table: Any) -> dict[str, dict[str, int]]:
    """Rows by value, of the columns that hold a word out of a few."""
    found = {}
    for name in ("status", "expression", "mode", "role", "split", "detector", "backend"):
        if name in table.column_names:
            values = table.column(name).value_counts().to_pylist()
            counts = {str(value["values"] or "none"): value["counts"] for value in values}
            found[name] = dict(sorted(counts.items()))
    return found


def _type_name(kind: Any) -> str:
    """Arrow's name of a type, lists of a fixed size as ``float[4]``."""
    size = getattr(kind, "list_size", None)
    return str(kind) if size is None else f"{kind.value_type}[{size}]"
