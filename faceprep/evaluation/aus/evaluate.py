"""``faceprep evaluate aus``: from a workspace to its agreement with what is known."""

from pathlib import Path

from faceprep.core.errors import Remedy
from faceprep.evaluation.aus.agreement import AUEvaluation, agreement, pair
from faceprep.evaluation.aus.coverage import Wanted, notes_on, nothing_to_compare
from faceprep.evaluation.aus.read import estimates, selected_faces
from faceprep.evaluation.aus.references import find_reference
from faceprep.workspace import Workspace
from faceprep.workspace.discover import workspace_of


def evaluate_aus(
    path: Path | None = None,
    against: str | None = None,
    *,
    split: str | None = None,
    role: str | None = None,
) -> AUEvaluation:
    """Hold the Action Units of a workspace against what is known of the same faces.

    Parameters
    ----------
    path
        Of the workspace; without one, the only one below ``manifests/``.
    against
        ``facs``: the FACS codes of CK+, on the last frame of each sequence. ``demo``: what was
        drawn. Otherwise another workspace of the same faces, or aus manifests. By default FACS
        codes where there are some, else what was drawn.
    split, role
        Only faces of this split (``test``) and role (``peak``).

    Raises
    ------
    UsageError
        When there are no AUs, nothing to compare them with, or no face in common.
    ManifestError
        When a manifest is damaged.
    """
    workspace = Workspace(workspace_of(path, _command))
    faces = selected_faces(workspace)
    wanted = Wanted.of(faces, split, role)
    estimated, failures = estimates(workspace)
    reference = find_reference(workspace, faces, against)
    pairs = pair(estimated, reference.values, wanted.subjects)
    if not pairs.face_ids:
        raise nothing_to_compare(workspace, reference, faces, wanted, failures)
    aus, mean = agreement(pairs)
    return AUEvaluation(
        str(workspace.root),
        reference.name,
        ", ".join([reference.faces, *wanted.words]),
        pairs,
        aus,
        mean,
        reference.not_estimated,
        notes_on(workspace, reference, wanted, set(pairs.face_ids), failures),
    )


def _command(workspace: Path) -> Remedy:
    return Remedy("evaluate aus", arguments=(str(workspace), "…"))
