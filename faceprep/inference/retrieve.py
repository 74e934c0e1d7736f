"""Find faces of other subjects with the expression of a face (Ding et al., 2018, Fig. 7)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceprep.core.errors import MissingToolError, UsageError
from faceprep.core.progress import Progress
from faceprep.inference.gallery import Gallery, open_gallery
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFaces
from faceprep.inference.labels import Label, labels_of
from faceprep.metrics.expression_classifier.landmark_classifier import LandmarkClassifier
from faceprep.metrics.leaks import refuse_leak
from faceprep.metrics.retrieval import (
    WAYS,
    RetrievalReport,
    Way,
    describe_faces,
    distances,
    evaluate_retrieval,
)

_CODES = "compare faces by expression codes"


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved face.

    Attributes
    ----------
    source, way, rank
        Query, way of comparing, and rank, 1-based.
    face_id, subject, expression
        The face in the gallery.
    distance
        Euclidean distance in the space of the way.
    """

    source: str
    way: Way
    rank: int
    face_id: str
    subject: str
    expression: str
    distance: float


@dataclass(frozen=True)
class Retrieved:
    """Queries, gallery, and retrieved faces.

    Attributes
    ----------
    queries, labels
        Query faces and their labels; labels are None if only pixels are compared.
    gallery
        Faces to search.
    hits
        Retrieved faces, ordered by way, query and rank.
    """

    queries: InputFaces
    labels: list[Label] | None
    gallery: Gallery
    hits: list[Hit]


def ways_of(text: str) -> tuple[Way, ...]:
    """Parse ``code``, ``label``, ``pixel`` or ``all``.

    Raises
    ------
    UsageError
        The text is none of these.
    """
    if text == "all":
        return WAYS
    for way in WAYS:
        if text == way:
            return (way,)
    raise UsageError(f"faces are not looked for by {text!r}", f"--by {', '.join(WAYS)} or all")


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
    queries
        Faces to search for.
    generator
        Generator with an expression code and a workspace.
    ways
        Ways of comparing.
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

    Parameters
    ----------
    labels
        Label of each query; None if only pixels are compared.

    Raises
    ------
    UsageError
        A label is not a class of the generator, so that Q cannot read its code.
    """
    model, device = generator.with_codes(_CODES), generator.device
    classes = model.classes
    shown = [label.expression for label in labels] if labels else [classes[0]] * len(queries.faces)
    unknown = [name for name in shown if name not in classes]
    if unknown:
        raise UsageError(f"{unknown[0]} is no class of the generator", "--by pixel")
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
    """Search for all test faces among those of other subjects, in every way.

    Parameters
    ----------
    split
        Side of the workspace that is searched: ``test``, ``val`` or ``train``.
    seed
        Of the choice of faces in a large workspace.

    Raises
    ------
    UsageError
        The generator has no expression code, there are no such faces, or the generator was trained
        on a test subject.
    """
    model = generator.with_codes(_CODES)
    queries = open_gallery(generator, "test", seed).faces
    refuse_leak(generator.trained_on, queries.subjects.tolist(), "the generator")
    train = open_gallery(generator, "train", seed).faces
    try:
        judge = LandmarkClassifier.fit(train, model.classes)
    except MissingToolError:
        judge = None
    where = queries if split == "test" else open_gallery(generator, split, seed).faces
    return evaluate_retrieval(model, queries, where, judge, generator.device)
