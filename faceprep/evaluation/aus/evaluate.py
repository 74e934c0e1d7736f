"""Evaluate the Action Units of a workspace against a reference."""

from dataclasses import dataclass, field
from pathlib import Path

from faceprep.core.errors import Hint
from faceprep.evaluation.aus.agreement import AUAgreement, agreement
from faceprep.evaluation.aus.references import find_reference
from faceprep.evaluation.aus.selection import Selection, coverage_notes, no_pairs, selected_faces
from faceprep.evaluation.aus.values import AUPairs, estimates, pair
from faceprep.workspace import Workspace
from faceprep.workspace.discover import workspace_of


@dataclass(frozen=True, slots=True)
class AUEvaluation:
    """Result of ``faceprep evaluate aus``."""

    #: Names of both sides, and description of the compared faces, for reports.
    workspace: str
    reference: str
    which: str
    pairs: AUPairs  # values of the compared faces
    #: Agreement on each AU that has a presence, in OpenFace's order, and the mean over the AUs.
    aus: list[AUAgreement]
    mean: AUAgreement
    #: AUs of the reference that no backend estimates → number of faces that show them.
    not_estimated: dict[str, int] = field(default_factory=dict)
    notes: list[Hint] = field(default_factory=list)  # excluded faces, with reasons


def evaluate_aus(
    path: Path | None = None,
    against: str | None = None,
    *,
    split: str | None = None,
    role: str | None = None,
) -> AUEvaluation:
    """Compare the Action Units of a workspace with a reference for the same faces.

    Parameters
    ----------
    path
        Workspace; None for the only one below ``manifests/``.
    against
        ``facs``: the FACS codes of CK+, on the last frame of each sequence. ``demo``: the rendered
        AUs. Otherwise another workspace of the same faces, or aus manifests. By default FACS
        codes if there are any, else the rendered AUs.
    split, role
        Restrict the comparison to faces of this split (``test``) and role (``peak``).

    Raises
    ------
    UsageError
        There are no AUs, no reference, or no common faces.
    ManifestError
        A manifest is damaged.
    """
    workspace = Workspace(workspace_of(path))
    faces = selected_faces(workspace)
    selection = Selection.of(faces, split, role)
    estimated, failures = estimates(workspace)
    reference = find_reference(workspace, faces, against)
    pairs = pair(estimated, reference.values, selection.subjects)
    if not pairs.face_ids:
        raise no_pairs(workspace, reference, faces, selection, failures)
    aus, mean = agreement(pairs)
    return AUEvaluation(
        str(workspace.root),
        reference.name,
        ", ".join([reference.faces, *selection.words]),
        pairs,
        aus,
        mean,
        reference.not_estimated,
        coverage_notes(workspace, reference, selection, set(pairs.face_ids), failures),
    )
