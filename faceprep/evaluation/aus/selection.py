"""Faces selected in a workspace, by split and role, and those that an evaluation excludes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from faceprep.core.errors import Hint, Remedy, UsageError
from faceprep.core.vocabulary import ROLES, SPLITS, choice_hint
from faceprep.evaluation.aus.references import Reference
from faceprep.workspace import Workspace

_COLUMNS = ("face_id", "dataset", "subject", "sequence", "frame", "path", "role", "split")


def selected_faces(workspace: Workspace) -> pa.Table:
    """Return the rows of select without the columns for `align`; UsageError if there are none."""
    tables = [table.select([*_COLUMNS, "attributes"]) for table in workspace.tables("select")]
    if not tables:
        raise UsageError(
            f"{workspace.root}: no face is selected", Remedy("select", workspace.root, resume=True)
        )
    return pa.concat_tables(tables)


@dataclass(frozen=True, slots=True)
class Selection:
    """The faces of a split and a role: ``face_id`` → subject.

    `words` are ``split test``, ``role peak``; empty for all faces.
    """

    words: list[str]
    subjects: dict[str, str]

    @classmethod
    def of(cls, faces: pa.Table, split: str | None, role: str | None) -> "Selection":
        """Filter the rows of select; UsageError if split or role do not exist, or have no face."""
        words, chosen = [], faces
        for name, word, known in (("split", split, SPLITS), ("role", role, ROLES)):
            if word is None:
                continue
            if word not in known:
                raise UsageError(f"no {name} {word!r}", choice_hint(name, word, known))
            words.append(f"{name} {word}")
            chosen = chosen.filter(pc.equal(chosen[name], word))
        if words and not chosen.num_rows:
            raise UsageError(
                f"no selected face of {', '.join(words)}",
                f"there are: {column_counts(faces, 'split')}; {column_counts(faces, 'role')}",
            )
        columns = (chosen[name].to_pylist() for name in ("face_id", "subject"))
        return cls(words, dict(zip(*columns, strict=True)))


def column_counts(faces: pa.Table, column: str) -> str:
    """Count the faces by the words of a column, as text."""
    return word_counts(faces[column].to_pylist())


def word_counts(words: Iterable[str]) -> str:
    """Count words, most frequent first: ``peak 1,024, neutral 512``."""
    return ", ".join(f"{word} {count:,}" for word, count in Counter(words).most_common())


def coverage_notes(
    workspace: Workspace,
    reference: Reference,
    selection: Selection,
    paired: set[str],
    failures: Mapping[str, str],
) -> list[Hint]:
    """Count selected faces without an estimate or without a reference value.

    `paired` faces have both; `failures` are ``face_id`` → status of the faces without an estimate.
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
