"""``faceprep show PATH``: choose the page of a path, and the page of a workspace."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from faceprep.config import STAGES
from faceprep.core.errors import Hint
from faceprep.report.show.formats import line
from faceprep.report.show.manifest import show_manifest
from faceprep.report.show.results_view import results_table, results_view
from faceprep.report.show.stage_view import (
    failures_tables,
    stage_view,
    stages_table,
    versions_lines,
)
from faceprep.report.summaries.results import (
    CLASSIFY,
    VERBS,
    generators,
    summarize_accuracy,
    summarize_synthetic,
    summarize_training,
    synthetic_rows,
)
from faceprep.report.summaries.stage import failures, summarize_shards, summarize_stage
from faceprep.report.summaries.workspace import summarize_workspace
from faceprep.report.tables.console import Page, Renderable, Renderables, plain_table
from faceprep.workspace import Workspace, artifacts
from faceprep.workspace.discover import is_workspace, no_workspace, only_workspace
from faceprep.workspace.trainings import history


def show(path: Path | None, spell: Callable[[Hint], str]) -> Page:
    """Describe a workspace, one folder of it or one manifest.

    In the data, ``kind`` names the page, and the command of the next step is a `Remedy`.

    Parameters
    ----------
    path
        A workspace, a folder of a stage or verb, a manifest or its marker. Without one: the only
        workspace below ``manifests/``.
    spell
        Function that writes a command as text.

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
        data = summarize_workspace(Workspace(path))
        return workspace_view(data, spell), data
    if path.name in STAGES and is_workspace(path.parent) and path.is_dir():
        return show_stage(path)
    found = results_at(path)
    if found is not None:
        return show_results(*found)
    raise no_workspace(path)


def show_stage(path: Path) -> Page:
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


def show_results(workspace: Workspace, verb: str, names: list[str]) -> Page:
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
    data = {"kind": verb, "workspace": str(workspace.root), "verb": verb, "generated": generated}
    return results_view(data), data


_STRONGEST = 4


def workspace_view(data: dict[str, Any], spell: Callable[[Hint], str]) -> Renderables:
    """Return the renderables of a `summarize_workspace`; `spell` writes a command as text."""
    lines = line((data["name"], "bold"), (f"   {data['workspace']}", "dim"))
    parts: Renderables = [lines]
    parts.append(stages_table(data["stages"]))
    if data["generated"]:
        parts.append(results_table(data["generated"]))
    parts += versions_lines(data["stages"])
    if data["expressions"]:
        parts.append(_expressions(data["expressions"]))
    if data["action_units"]:
        parts.append(_action_units(data["action_units"]))
    parts += failures_tables(data["failures"])
    for problem in data["damaged"]:
        parts.append(line(("damaged: ", "red"), (problem, "")))
    if data["next"]:
        parts.append(line((f"{data['next']['why']}:", "yellow")))
        parts.append(f"  → {spell(data['next']['command'])}")
    else:
        parts.append(line(("everything is up to date", "green")))
    return parts


def _expressions(cells: list[dict[str, Any]]) -> Renderable:
    """Return aligned/selected faces by expression and split; one number if both are equal."""
    splits = [s for s in ("train", "val", "test") if any(cell["split"] == s for cell in cells)]
    names = sorted({cell["expression"] for cell in cells})
    title = "faces aligned, of those selected"
    table = plain_table(title, "expression", *splits, "all", right=(*splits, "all"))

    def cell(expression: str | None, split: str | None) -> str:
        here = [
            c
            for c in cells
            if expression in (None, c["expression"]) and split in (None, c["split"])
        ]
        aligned, selected = sum(c["aligned"] for c in here), sum(c["selected"] for c in here)
        return f"{aligned:,}" if aligned == selected else f"{aligned:,} of {selected:,}"

    for name in names:
        table.add_row(name, *(cell(name, split) for split in splits), cell(name, None))
    table.add_section()
    table.add_row("all", *(cell(None, split) for split in splits), cell(None, None))
    return table


def _action_units(means: dict[str, dict[str, float]]) -> Renderable:
    title = "strongest AUs, mean intensity (0–5)"
    table = plain_table(title, "expression", *(("",) * _STRONGEST))
    for expression, values in means.items():
        strongest = sorted(values.items(), key=lambda item: -item[1])[:_STRONGEST]
        table.add_row(expression, *(f"{name} {value:.2f}" for name, value in strongest))
    return table
