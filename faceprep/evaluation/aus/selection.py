"""Faces selected in a workspace, by split and role."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from faceprep.core.errors import Remedy, UsageError
from faceprep.core.vocabulary import ROLES, SPLITS
from faceprep.workspace import Workspace

_COLUMNS = ("face_id", "dataset", "subject", "sequence", "frame", "path", "role", "split")


def selected_faces(workspace: Workspace) -> pa.Table:
    """Return the rows of select without the columns for `align`.

    Raises
    ------
    UsageError
        Select has not run.
    """
    tables = [table.select([*_COLUMNS, "attributes"]) for table in workspace.tables("select")]
    if not tables:
        raise UsageError(
            f"{workspace.root}: no face is selected", Remedy("select", workspace.root, resume=True)
        )
    return pa.concat_tables(tables)


@dataclass(frozen=True, slots=True)
class Selection:
    """The faces of a split and a role.

    Attributes
    ----------
    words
        ``split test``, ``role peak``; empty for all faces.
    subjects
        ``face_id`` → subject.
    """

    words: list[str]
    subjects: dict[str, str]

    @classmethod
    def of(cls, faces: pa.Table, split: str | None, role: str | None) -> "Selection":
        """Filter the rows of select.

        Raises
        ------
        UsageError
            The split or role does not exist, or has no face.
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
