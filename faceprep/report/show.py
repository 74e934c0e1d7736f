"""``faceprep show PATH``: a workspace, one stage of it, or one manifest."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.cli.commands.workspace import command
from faceprep.config import STAGES
from faceprep.core.errors import ManifestError
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
from faceprep.workspace import Workspace, artifacts, manifest, schemas
from faceprep.workspace.discover import is_workspace, no_workspace, only_workspace

if TYPE_CHECKING:
    from rich.console import RenderableType

    Page = tuple[list[RenderableType], dict[str, Any]]


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
    path = only_workspace() if path is None else path
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
    raise no_workspace(path)


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
        if verb == artifacts.TRAIN:
            folder = artifacts.generator_folder(workspace.root, name)
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
            if artifacts.verb_of(stage) in schemas.SCHEMAS:
                table = file.read()
            else:
                first = next(file.iter_batches(batch_size=rows), None)
                table = schema.empty_table() if first is None else pa.Table.from_batches([first])
    except (pa.ArrowInvalid, OSError) as error:
        raise ManifestError(f"{path} is not readable Parquet: {error}", _redo(path)) from None
    ours = artifacts.verb_of(stage) in schemas.SCHEMAS
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


def _problem(path: Path, stage: str) -> str | None:
    if artifacts.verb_of(stage) not in schemas.SCHEMAS:
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
