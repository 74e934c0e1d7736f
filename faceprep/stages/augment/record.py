"""The record ``stage.json`` of synthetic faces: settings, subjects, counts."""

from typing import Any

from faceprep.execution.shard import versions
from faceprep.stages.augment.plan import Plan
from faceprep.stages.augment.result import AugmentResult
from faceprep.workspace.schemas import SCHEMA_VERSION
from faceprep.workspace.synthetic import hashes_of, note_asked
from faceprep.workspace.training_rows import training_rows


def record_request(plan: Plan, result: AugmentResult) -> None:
    """Record the request of a run."""
    hashes = (plan.input_hash, plan.config_hash)
    note_asked(plan.workspace, plan.stage.name, result.asked, result.shards, *hashes)


def record_subjects(plan: Plan) -> None:
    """Record the subjects of the faces before they are made, in case the run is killed.

    An existing record of faces with other settings is kept.
    """
    recorded = plan.workspace.info(plan.stage.name).get("hashes")
    if recorded != hashes_of(plan.input_hash, plan.config_hash) and not plan.existing.others():
        plan.workspace.write_info(plan.stage.name, _description(plan))


def record_faces(plan: Plan, result: AugmentResult) -> None:
    """Count the existing faces, and record the counts."""
    name = plan.stage.name
    filtered = plan.settings.filter != "none"
    shards = [shard for shard in plan.workspace.shards(name) if plan.existing.rows(shard)]
    for shard in shards:
        result.count(plan.workspace.read(name, shard), filtered)
    if not shards:
        return
    counted = {
        "shards": len(shards),
        "images": result.images,
        "faces": result.faces,
        "modes": result.modes,
        "rejected": result.rejected,
        "doubtful": result.doubtful,
    }
    plan.workspace.write_info(name, {**_description(plan), **counted})


def _description(plan: Plan) -> dict[str, Any]:
    """Return the facts known before the first face is made, JSON-ready."""
    sources = {mode: one.unique_subjects() for mode, one in plan.sources.items()}
    filter_subjects = _filter_subjects(plan)
    return {
        "stage": plan.stage.name,
        "schema_version": SCHEMA_VERSION,
        "settings": plan.stage.settings(plan.config),
        "config": plan.config.settings(),
        "versions": versions(),
        "hashes": hashes_of(plan.input_hash, plan.config_hash),
        "generator": plan.name,
        "checkpoint": plan.checkpoint,
        "device": plan.device,
        "shard_size": plan.settings.shard_size,
        "sources": sources,
        "subjects": sorted({name for names in sources.values() for name in names}),
        "sources_from": _other_workspace(plan),
        "judge": {"subjects": filter_subjects} if filter_subjects else None,
    }


def _other_workspace(plan: Plan) -> str | None:
    """Absolute path of the workspace of the sources, if it is another one."""
    path = plan.settings.sources
    return str(path.expanduser().absolute()) if path and "other" in plan.sources else None


def _filter_subjects(plan: Plan) -> list[str]:
    """Training subjects of the filter."""
    if plan.settings.filter == "none":
        return []
    rows = training_rows(plan.config.workspace, fold=plan.config.train.fold)
    return sorted(set(rows["dataset"] + "/" + rows["subject"]))
