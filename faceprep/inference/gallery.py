"""Gallery of the faces of one side of a workspace, for retrieval."""

from dataclasses import dataclass

from faceprep.core.errors import UsageError
from faceprep.inference.generator import LoadedGenerator
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.metrics.workspace_faces import in_turns, labelled_rows, read_faces, rows_of_split
from faceprep.workspace import Workspace

#: Largest number of faces in a gallery.
MOST_FACES = 5000


@dataclass(frozen=True)
class Gallery:
    """Labelled faces to search.

    Attributes
    ----------
    ids
        ``face_id`` of each face.
    faces
        Faces whose expressions are classes of the generator.
    split
        Side of the workspace: ``train``, ``val`` or ``test``.
    """

    ids: list[str]
    faces: LabelledFaces
    split: str


def workspace_of_gallery(generator: LoadedGenerator) -> Workspace:
    """Return the workspace to search.

    Raises
    ------
    UsageError
        The generator has none.
    """
    return generator.needed_workspace("faces are looked for in a workspace")


def open_gallery(generator: LoadedGenerator, split: str = "test", seed: int = 0) -> Gallery:
    """Read one side of the workspace, at most `MOST_FACES` of as many subjects as possible.

    Parameters
    ----------
    seed
        Seed of the choice among more faces.

    Raises
    ------
    UsageError
        There is no workspace, no such split, or no aligned face in it.
    """
    if split not in ("train", "val", "test"):
        raise UsageError(f"no split {split!r}", "--gallery test")
    place, classes = workspace_of_gallery(generator), generator.model.classes
    rows = rows_of_split(place, labelled_rows(place, classes), split, classes)
    rows = rows.iloc[in_turns(rows["subject"].to_numpy(str), seed)[:MOST_FACES]]
    return Gallery(rows.index.tolist(), read_faces(place, rows, generator.model.size), split)
