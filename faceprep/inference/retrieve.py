"""Find faces of other subjects with the expression of a face (Ding et al., 2018, Fig. 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from faceprep.core.errors import Again, MissingToolError, UsageError
from faceprep.core.progress import Progress
from faceprep.core.vocabulary import SPLITS, choice_hint
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFaces
from faceprep.inference.labels import Label, labels_of
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.metrics.expression_classifier.kept import kept_classifier
from faceprep.metrics.leaks import refuse_leak
from faceprep.metrics.retrieval import (
    WAYS,
    RetrievalReport,
    Way,
    describe_faces,
    distances,
    evaluate_retrieval,
)
from faceprep.metrics.workspace_faces import in_turns, labelled_rows, read_faces, rows_of_split
from faceprep.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

_CODES = "compare faces by expression codes"

#: Largest number of faces in a gallery.
MOST_FACES = 5000


@dataclass(frozen=True)
class Gallery:
    """Labelled faces of one side of the workspace; they show classes of the generator."""

    ids: list[str]
    faces: LabelledFaces
    split: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved face of the gallery, with its rank, 1-based, and its Euclidean distance."""

    source: str
    way: Way
    rank: int
    face_id: str
    subject: str
    expression: str
    distance: float


@dataclass(frozen=True)
class Retrieved:
    """Queries, gallery, and retrieved faces, ordered by way, query and rank.

    Labels are None if only pixels are compared.
    """

    queries: InputFaces
    labels: list[Label] | None
    gallery: Gallery
    hits: list[Hit]


def workspace_of_gallery(generator: LoadedGenerator) -> Workspace:
    """Return the workspace to search; UsageError if the generator has none."""
    return generator.needed_workspace("retrieve searches a workspace")


def open_gallery(generator: LoadedGenerator, split: str = "test", seed: int = 0) -> Gallery:
    """Read one side of the workspace, at most `MOST_FACES` of as many subjects as possible.

    UsageError if there is no workspace, no such split, or no aligned face in it.
    """
    rows = _rows(generator, split, seed)
    faces = read_faces(workspace_of_gallery(generator), rows, generator.model.size)
    return Gallery(rows.index.tolist(), faces, split)


def _rows(generator: LoadedGenerator, split: str, seed: int) -> "pd.DataFrame":
    if split not in SPLITS:
        raise UsageError(f"no split {split!r}", choice_hint("gallery", split, SPLITS))
    place, classes = workspace_of_gallery(generator), generator.model.classes
    rows = rows_of_split(place, labelled_rows(place, classes), split, classes)
    return rows.iloc[in_turns(rows["subject"].to_numpy(str), seed)[:MOST_FACES]]


def ways_of(text: str) -> tuple[Way, ...]:
    """Parse ``code``, ``label``, ``pixel`` or ``all``, else UsageError."""
    if text == "all":
        return WAYS
    for way in WAYS:
        if text == way:
            return (way,)
    known = (*WAYS, "all")
    hint = choice_hint("by", text, known)
    raise UsageError(f"--by {text!r} is none of {', '.join(known)}", hint)


def retrieve(
    queries: InputFaces,
    generator: LoadedGenerator,
    ways: Sequence[Way],
    split: str,
    expression: str | None,
    top: int,
    progress: Progress,
    seed: int = 0,
) -> Retrieved:
    """Search one side of the workspace.

    Parameters
    ----------
    split
        Side of the workspace.
    expression
        Label of all queries; None uses their own labels, or those of a classifier.
    top
        Number of hits of each way.
    progress
        Receiver of a message on the classifier.
    seed
        Of the choice of faces in a large workspace.

    Raises
    ------
    UsageError
        The generator has no expression code, there is no gallery, or a label is not a class.
    """
    generator.with_codes(_CODES)
    gallery = open_gallery(generator, split, seed)
    labels = None
    if any(way != "pixel" for way in ways):
        labels = labels_of(queries.faces, generator, expression, progress)
    hits = find_hits(queries, labels, gallery, generator, ways, top)
    return Retrieved(queries, labels, gallery, hits)


def find_hits(
    queries: InputFaces,
    labels: Sequence[Label] | None,
    gallery: Gallery,
    generator: LoadedGenerator,
    ways: Sequence[Way],
    top: int = 5,
) -> list[Hit]:
    """Find the nearest faces, at most one per subject and none of the query's own subject.

    Labels are None if only pixels are compared. UsageError if one is not a class of the generator,
    so that Q cannot read its code.
    """
    model, device = generator.with_codes(_CODES), generator.device
    classes = model.classes
    shown = [label.expression for label in labels] if labels else [classes[0]] * len(queries.faces)
    unknown = [name for name in shown if name not in classes]
    if unknown:
        raise UsageError(f"{unknown[0]} is no class of the generator", Again({"by": "pixel"}))
    faces = gallery.faces
    described = describe_faces(model, queries.images, shown, device)
    known = describe_faces(model, faces.images, faces.expressions.tolist(), device)
    hits = []
    for way in ways:
        for face, row in zip(queries.faces, distances(described, known, way), strict=True):
            for rank, place in enumerate(_nearest(row, faces.subjects, face.subject, top), 1):
                hits.append(
                    Hit(
                        face.source, way, rank, gallery.ids[place], str(faces.subjects[place]),
                        str(faces.expressions[place]), float(row[place]),
                    )
                )  # fmt: skip
    return hits


def _nearest(distance: np.ndarray, subjects: np.ndarray, own: str | None, top: int) -> list[int]:
    """Return rows of the nearest faces, one per subject, without the query's own subject."""
    seen, found = {own}, list[int]()
    for place in np.argsort(distance, kind="stable"):
        subject = str(subjects[place])
        if subject not in seen and len(found) < top:
            seen.add(subject)
            found.append(int(place))
    return found


def evaluate_retrieve(
    generator: LoadedGenerator, split: str = "test", seed: int = 0
) -> RetrievalReport:
    """Search for all test faces among those of other subjects of a split, in every way.

    Raises
    ------
    UsageError
        The generator has no expression code, there are no such faces, or the generator was trained
        on a test subject.
    """
    model = generator.with_codes(_CODES)
    queries = open_gallery(generator, "test", seed).faces
    refuse_leak(generator.trained_on, queries.subjects.tolist(), "the generator")
    place, rows = workspace_of_gallery(generator), _rows(generator, "train", seed)
    try:
        judge = kept_classifier(place, rows, model.classes, generator.model.size)
    except MissingToolError:
        judge = None
    where = queries if split == "test" else open_gallery(generator, split, seed).faces
    return evaluate_retrieval(model, queries, where, judge, generator.device)
