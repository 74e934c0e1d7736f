"""Summarize the table of accuracies of ``classify``."""

from typing import Any

from faceprep.report.summaries.files import last_change, read_record
from faceprep.workspace import Workspace
from faceprep.workspace.inputs import changed_since

CLASSIFY = "classify"


def summarize_accuracy(workspace: Workspace) -> dict[str, Any] | None:
    """Return the table of ``accuracy.json``, or the number of trainings so far; None without any.

    It is stale if its input faces have changed or were removed.
    """
    folder = workspace.folder(CLASSIFY)
    table = read_record(folder / "accuracy.json")
    cells = list((folder / "cells").glob("*.parquet"))
    if not table and not cells:
        return None
    why = changed_since(workspace, table.get("made_of"))
    return {
        "stage": CLASSIFY,
        "state": "stale" if why else "done" if table else "unfinished",
        "why": why,
        "trainings": len(cells),
        "rows": table.get("rows", []),
        "best": table.get("best"),
        "generator": table.get("generator"),
        "test_faces": table.get("test_faces"),
        "test_subjects": table.get("test_subjects"),
        "unknown_people": table.get("unknown_people"),
        "notes": table.get("notes", []),
        "settings": table.get("settings", {}),
        "versions": table.get("versions", {}),
        "files": [str(path) for path in sorted(folder.iterdir()) if path.is_file()],
        **last_change([folder / "accuracy.json"] if table else cells),
    }
