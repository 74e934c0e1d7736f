"""Results of ``train``, ``augment`` and ``classify`` in a workspace."""

from collections.abc import Iterator
from typing import Any

from faceprep.core.errors import ManifestError
from faceprep.core.files import file_sha256
from faceprep.report.summaries.stage import damages, last_change, totals
from faceprep.workspace import Marker, Workspace, artifacts, synthetic
from faceprep.workspace.artifacts import HISTORY, INFO, RESUME, USE
from faceprep.workspace.inputs import changed_since
from faceprep.workspace.trainings import is_finished, read_record, training_steps

CLASSIFY = "classify"

#: Verbs that read the output of the stages; each has a folder in the workspace.
VERBS = (artifacts.TRAIN, synthetic.STAGE, CLASSIFY)


def generators(workspace: Workspace, verb: str) -> list[str]:
    """Return the names of the generators that have a folder of ``train`` or ``augment``, sorted."""
    found = (path.name for path in workspace.folder(verb).glob("*") if path.is_dir())
    kind = {
        artifacts.TRAIN: lambda name: any(
            (artifacts.generator_folder(workspace.root, name) / file).is_file()
            for file in (INFO, HISTORY, RESUME, USE)
        ),
        synthetic.STAGE: lambda name: (
            bool(workspace.shards(synthetic.stage_of(name)))
            or bool(workspace.info(synthetic.stage_of(name)))
            or synthetic.asked(workspace, synthetic.stage_of(name)) is not None
        ),
    }
    return sorted(filter(kind[verb], found))


def summarize_results(workspace: Workspace) -> list[dict[str, Any]]:
    """Return summaries of the trainings, of the synthetic faces and of the accuracy table."""
    accuracy = summarize_accuracy(workspace)
    return [
        *(summarize_training(workspace, name) for name in generators(workspace, artifacts.TRAIN)),
        *(summarize_synthetic(workspace, name) for name in generators(workspace, synthetic.STAGE)),
        *([accuracy] if accuracy else []),
    ]


def summarize_training(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return progress, plan, settings and findings of a generator's training."""
    folder = artifacts.generator_folder(workspace.root, name)
    info, steps = read_record(folder / INFO), training_steps(folder)
    plan = info.get("plan", {})
    return {
        "stage": f"{artifacts.TRAIN}/{name}",
        "state": "done" if is_finished(steps) else "unfinished",
        "steps": steps,
        "preset": plan.get("preset"),
        "size": plan.get("size"),
        "people": plan.get("people"),
        "faces": plan.get("faces", {}),
        "seconds": info.get("seconds"),
        "images_per_second": info.get("images_per_second"),
        "findings": info.get("findings", {}),
        "settings": info.get("config", {}),
        "versions": info.get("versions", {}),
        "files": [str(path) for path in sorted(folder.iterdir()) if path.is_file()],
        **last_change([folder / INFO, folder / HISTORY]),
    }


def summarize_synthetic(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return progress, counts and settings of a generator's faces, in the format of a stage.

    ``stale`` counts shards made with other settings than the last run's, and all shards if the
    generator has been retrained since.
    """
    stage = synthetic.stage_of(name)
    markers, info = list(_markers(workspace, stage)), workspace.info(stage)
    asked = synthetic.asked(workspace, stage)
    now = (asked["input"], asked["config"]) if asked else _hashes(markers[:1])
    file = artifacts.generator_file(workspace.root, name)
    known = info.get("checkpoint")
    other = bool(markers and known and file.is_file() and file_sha256(file) != known)
    stale = [m.shard for m in markers if other or (m.input, m.config) != now]
    expected = max(asked["shards"] if asked else 0, len(markers), info.get("shards", 0))
    damaged = damages(workspace, markers)
    done = len(markers) - len({*stale, *damaged})
    state = "done" if done == expected else "stale" if stale else "unfinished"
    why = "the generator was trained again after these faces" if other else None
    return {
        "stage": stage,
        "state": "damaged" if damaged else state,
        "why": next(iter(damaged.values()), why),
        "shards": expected,
        "done": done,
        "stale": stale,
        "damaged": damaged,
        "asked": asked["faces"] if asked else None,
        **totals(markers),
        "generator": name,
        "mode": info.get("settings", {}).get("mode"),
        "faces": info.get("faces", {}),
        "modes": info.get("modes", {}),
        "rejected": info.get("rejected", {}),
        "doubtful": info.get("doubtful", {}),
        "source_people": len(info.get("subjects", [])),
        "settings": info.get("settings", {}),
        "versions": info.get("versions", {}),
        "worker_seconds": round(sum(marker.seconds for marker in markers), 1),
        **last_change([workspace.marker_path(stage, marker.shard) for marker in markers]),
    }


def synthetic_rows(workspace: Workspace, name: str, count: int = 5) -> list[dict[str, Any]]:
    """Return the first rows of a generator's faces; none if they cannot be read."""
    columns = ("index", "expression", "mode", "intensity", "source_face_id", "status", "crop")
    try:
        table = workspace.read(synthetic.stage_of(name), 0)
    except ManifestError:
        return []
    rows: list[dict[str, Any]] = table.select(columns).slice(0, count).to_pylist()
    return rows


def _markers(workspace: Workspace, stage: str) -> Iterator[Marker]:
    for shard in workspace.shards(stage):
        marker = workspace.marker(stage, shard)
        if marker is not None:
            yield marker


def _hashes(markers: list[Marker]) -> tuple[str, str]:
    return (markers[0].input, markers[0].config) if markers else ("", "")


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
