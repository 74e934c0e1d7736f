"""The next command for a workspace that is not complete."""

from collections.abc import Mapping, Sequence
from typing import Any

from faceprep.core.errors import Remedy
from faceprep.workspace import Workspace

_WHY = {
    "missing": "{stage} has not run yet",
    "unfinished": "{stage} has {left} of {shards} shards left",
    "stale": "{stage} was made from other input or with other settings ({left} of {shards} shards)",
}


def next_step(
    workspace: Workspace, stages: Sequence[Mapping[str, Any]], damaged: Sequence[str]
) -> dict[str, Any] | None:
    """Return the next command if something is missing, stale or damaged, else None.

    Parameters
    ----------
    stages
        Summaries by `faceprep.report.summaries.stage.summarize_stage`, in the order of the stages.
    damaged
        Unreadable parts, ``stage/part-00000.parquet reason``.

    Returns
    -------
    ``why``, a sentence, and ``command``, a `Remedy`.
    """
    if damaged:
        broken = damaged[0].partition("/")[0]
        return {"why": damaged[0], "command": _resumed(workspace, broken)}
    for stage in stages:
        if stage["state"] == "done":
            continue
        left = max(stage["shards"] - stage["done"], len(stage["stale"]))
        why = _WHY[stage["state"]].format(
            stage=stage["stage"], left=left or "some", shards=stage["shards"]
        )
        return {"why": why, "command": _resumed(workspace, stage["stage"])}
    return None


def _resumed(workspace: Workspace, stage: str) -> Remedy:
    return Remedy(stage, workspace.root, resume=True)
