"""``faceprep show PATH``: choose the page of a path."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.config import STAGES
from faceprep.core.errors import Hint
from faceprep.report.show.manifest import show_manifest
from faceprep.report.show.results_view import results_view
from faceprep.report.show.stage_view import stage_view
from faceprep.report.show.workspace_view import workspace_view
from faceprep.report.summaries.accuracy import CLASSIFY, summarize_accuracy
from faceprep.report.summaries.results import VERBS, generators
from faceprep.report.summaries.stage import failures, summarize_shards, summarize_stage
from faceprep.report.summaries.synthetic import summarize_synthetic, synthetic_rows
from faceprep.report.summaries.training import history, summarize_training
from faceprep.report.summaries.workspace import summarize_workspace
from faceprep.workspace import Workspace, artifacts
from faceprep.workspace.discover import is_workspace, no_workspace, only_workspace

if TYPE_CHECKING:
    from rich.console import RenderableType

    Page = tuple[list[RenderableType], dict[str, Any]]


def show(path: Path | None, spell: Callable[[Hint], str]) -> "Page":
    """Describe a workspace, one folder of it or one manifest.

    Parameters
    ----------
    path
        A workspace, a folder of a stage or verb, a manifest or its marker. Without one: the only
        workspace below ``manifests/``.
    spell
        Function that writes a command as text.

    Returns
    -------
    Renderables, and the same as JSON-ready values, in which ``kind`` names the page and the
    command of the next step is a `Remedy`.

    Raises
    ------
    UsageError
        The path is none of these; the message names the nearest workspace.
    ManifestError
        A manifest is not readable Parquet.
    """
    path = only_workspace() if path is None else path
    if path.suffix == ".json" and path.with_suffix(".parquet").is_file():
        path = path.with_suffix(".parquet")
    if path.is_file():
        return show_manifest(path)
    if is_workspace(path):
        return show_workspace(path, spell)
    if path.name in STAGES and is_workspace(path.parent) and path.is_dir():
        return show_stage(path)
    found = results_at(path)
    if found is not None:
        return show_results(*found)
    raise no_workspace(path)


def show_workspace(path: Path, spell: Callable[[Hint], str]) -> "Page":
    """Return stages, failures, expressions, AUs and the next command of a workspace."""
    data = summarize_workspace(Workspace(path))
    return workspace_view(data, spell), data


def show_stage(path: Path) -> "Page":
    """Return shards, settings, versions and failures of one stage's folder."""
    workspace, stage = Workspace(path.parent), path.name
    data = {
        "kind": "stage",
        "workspace": str(workspace.root),
        **summarize_stage(workspace, stage),
        "shard_list": summarize_shards(workspace, stage),
        "failures": failures(workspace, stage),
    }
    return stage_view(data), data


def results_at(path: Path) -> "tuple[Workspace, str, list[str]] | None":
    """Return workspace, verb and generators of a folder of ``train``, ``augment`` or ``classify``.

    None for other or empty folders. ``classify`` has one folder for all generators.
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


def show_results(workspace: Workspace, verb: str, names: list[str]) -> "Page":
    """Return trainings with the end of their history, synthetic faces, or the accuracy table."""
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
    return results_view(data), data
