"""Results of ``train``, ``augment`` and ``classify`` in a workspace."""

from typing import Any

from faceprep.report.summaries.accuracy import CLASSIFY, summarize_accuracy
from faceprep.report.summaries.synthetic import summarize_synthetic
from faceprep.report.summaries.training import summarize_training
from faceprep.workspace import Workspace, artifacts, synthetic
from faceprep.workspace.artifacts import HISTORY, INFO, RESUME, USE

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
