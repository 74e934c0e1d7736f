"""Faces that take no part in an evaluation, and why."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from faceprep.cli.commands.workspace import command
from faceprep.core.errors import UsageError
from faceprep.core.vocabulary import ROLES, SPLITS
from faceprep.evaluation.aus.references import Reference
from faceprep.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wanted:
    """The faces that a user asks for.

    Attributes
    ----------
    words
        ``split test``, ``role peak``; empty for all faces.
    subjects
        ``face_id`` → whose face.
    """

    words: list[str]
    subjects: dict[str, str]

    @classmethod
    def of(cls, faces: pa.Table, split: str | None, role: str | None) -> "Wanted":
        """Choose among the rows of select.

        Raises
        ------
        UsageError
            For a word that is no split or role, and where no face has it.
        """
        words, chosen = [], faces
        for name, word, known in (("split", split, SPLITS), ("role", role, ROLES)):
            if word is None:
                continue
            if word not in known:
                raise UsageError(f"no {name} {word!r}", f"--{name} with one of: {', '.join(known)}")
            words.append(f"{name} {word}")
            chosen = chosen.filter(pc.equal(chosen[name], word))
        if words and not chosen.num_rows:
            raise UsageError(
                f"no selected face of {', '.join(words)}",
                f"there are: {counts(faces, 'split')}; {counts(faces, 'role')}",
            )
        columns = (chosen[name].to_pylist() for name in ("face_id", "subject"))
        return cls(words, dict(zip(*columns, strict=True)))


def counts(faces: pa.Table, column: str) -> str:
    """How many faces have each word of a column."""
    return _counted(faces[column].to_pylist())


def notes_on(
    workspace: Workspace,
    reference: Reference,
    wanted: Wanted,
    paired: set[str],
    failures: Mapping[str, str],
) -> list[str]:
    """Say how many wanted faces are known but not estimated, or not known where they should be.

    Parameters
    ----------
    paired
        Faces that have both.
    failures
        ``face_id`` → status, of faces without an estimate.
    """
    notes = list(reference.notes)
    known = wanted.subjects.keys() & reference.values.face_ids
    of = f"of {len(known):,} known faces"
    failed = [failures[face_id] for face_id in known - paired if face_id in failures]
    if failed:
        notes.append(f"{len(failed):,} {of} have no estimate: {_counted(failed)}")
    missing = len(known) - len(paired) - len(failed)
    if missing:
        redo = command(workspace, "aus")
        notes.append(f"{missing:,} {of} are not in the aus manifest: {redo}")
    strange = len(wanted.subjects.keys() - known - failures.keys()) if reference.every_face else 0
    if strange:
        notes.append(f"{strange:,} of {len(wanted.subjects):,} faces are not in {reference.name}")
    return notes


def nothing_to_compare(
    workspace: Workspace,
    reference: Reference,
    faces: pa.Table,
    wanted: Wanted,
    failures: Mapping[str, str],
) -> UsageError:
    """Tell other faces from faces that are not wanted, and from faces that failed."""
    known = set(reference.values.face_ids)
    look = f"faceprep show {shlex.quote(str(workspace.root))}"
    if not known:
        return UsageError(f"{reference.name}: no face is known", look)
    here = faces.filter(pc.is_in(faces["face_id"], pa.array(sorted(known), pa.string())))
    if not here.num_rows:
        return UsageError(
            f"{workspace.root} and {reference.name} have no face in common:"
            f" {faces['face_id'][0]} … here, {reference.values.face_ids[0]} … there",
            "the same dataset, selected alike into two workspaces, has the same faces in both",
        )
    if known.isdisjoint(wanted.subjects):
        return UsageError(
            f"{reference.name}: no face of {', '.join(wanted.words)} is known",
            f"known are: {counts(here, 'split')}; {counts(here, 'role')}",
        )
    failed = [failures.get(face_id, "not in aus") for face_id in known & wanted.subjects.keys()]
    return UsageError(f"{workspace.root}: no known face has an estimate: {_counted(failed)}", look)


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{word} {count:,}" for word, count in Counter(words).most_common())
