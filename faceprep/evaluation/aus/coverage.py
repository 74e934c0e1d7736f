"""Faces that an evaluation excludes, with reasons."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from faceprep.core.errors import Hint, Remedy, UsageError
from faceprep.evaluation.aus.references import Reference
from faceprep.evaluation.aus.selection import Selection, column_counts, word_counts
from faceprep.workspace import Workspace


def coverage_notes(
    workspace: Workspace,
    reference: Reference,
    selection: Selection,
    paired: set[str],
    failures: Mapping[str, str],
) -> list[Hint]:
    """Count selected faces without an estimate or without a reference value.

    Parameters
    ----------
    paired
        Faces with reference value and estimate.
    failures
        ``face_id`` → status of the faces without an estimate.
    """
    notes: list[Hint] = [*reference.notes]
    known = selection.subjects.keys() & reference.values.face_ids
    of = f"of {len(known):,} known faces"
    failed = [failures[face_id] for face_id in known - paired if face_id in failures]
    if failed:
        notes.append(f"{len(failed):,} {of} have no estimate: {word_counts(failed)}")
    missing = len(known) - len(paired) - len(failed)
    if missing:
        redo = Remedy("aus", workspace.root, resume=True)
        notes.append((f"{missing:,} {of} are not in the aus manifest: ", redo))
    unknown = selection.subjects.keys() - known - failures.keys()
    if reference.every_face and unknown:
        total = len(selection.subjects)
        notes.append(f"{len(unknown):,} of {total:,} faces are not in {reference.name}")
    return notes


def no_pairs(
    workspace: Workspace,
    reference: Reference,
    faces: pa.Table,
    selection: Selection,
    failures: Mapping[str, str],
) -> UsageError:
    """Return the error if no selected face has both reference value and estimate."""
    known = set(reference.values.face_ids)
    show = Remedy("show", arguments=(str(workspace.root),))
    if not known:
        return UsageError(f"{reference.name}: no face is known", show)
    here = faces.filter(pc.is_in(faces["face_id"], pa.array(sorted(known), pa.string())))
    if not here.num_rows:
        return UsageError(
            f"{workspace.root} and {reference.name} have no face in common:"
            f" {faces['face_id'][0]} … here, {reference.values.face_ids[0]} … there",
            "the same dataset, selected alike into two workspaces, has the same faces in both",
        )
    if known.isdisjoint(selection.subjects):
        return UsageError(
            f"{reference.name}: no face of {', '.join(selection.words)} is known",
            f"known are: {column_counts(here, 'split')}; {column_counts(here, 'role')}",
        )
    failed = [failures.get(face_id, "not in aus") for face_id in known & selection.subjects.keys()]
    return UsageError(
        f"{workspace.root}: no known face has an estimate: {word_counts(failed)}", show
    )
