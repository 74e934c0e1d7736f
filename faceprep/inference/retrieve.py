"""``faceprep retrieve``: faces of other people with the expression of a face (ExprGAN, Fig. 7)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprep.core.errors import MissingToolError, UsageError
from faceprep.core.progress import Progress
from faceprep.inference.generator import UsedGenerator
from faceprep.inference.inputs import Portraits
from faceprep.inference.labels import Label, labels_of
from faceprep.inference.output import keep_sources, sheet_path
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
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
from faceprep.metrics.workspace_faces import in_turns, labelled_rows, read_faces, rows_of_split
from faceprep.report.sheets.grid import Line, grid, header, width_for, write_sheet
from faceprep.report.tables import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Most faces that are looked through.
MOST_FACES = 5000

_WHY = "faces are looked for in a workspace"


@dataclass(frozen=True)
class Gallery:
    """Faces among which others are looked for.

    Attributes
    ----------
    ids
        Their ``face_id``.
    faces
        All of a class of the generator.
    split
        Which side they are of.
    """

    ids: list[str]
    faces: LabelledFaces
    split: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A face that was found.

    Attributes
    ----------
    source, way, rank
        For which face, by what, the how manieth from 1.
    face_id, subject, expression
        Who it is, and what it shows.
    distance
        Euclidean, in the space of the way.
    """

    source: str
    way: Way
    rank: int
    face_id: str
    subject: str
    expression: str
    distance: float


@dataclass(frozen=True)
class Found:
    """What was looked for, where, and what was found.

    Attributes
    ----------
    portraits, labels
        What was looked for; labels are None where only pixels count.
    gallery
        Where.
    hits
        By way, face and rank.
    """

    portraits: Portraits
    labels: list[Label] | None
    gallery: Gallery
    hits: list[Hit]


def ways_of(text: str) -> tuple[Way, ...]:
    """``code``, ``label``, ``pixel`` or ``all``.

    Raises
    ------
    UsageError
        It is none of them.
    """
    if text == "all":
        return WAYS
    for way in WAYS:
        if text == way:
            return (way,)
    raise UsageError(f"faces are not looked for by {text!r}", f"--by {', '.join(WAYS)} or all")


def find_hits(
    portraits: Portraits,
    used: UsedGenerator,
    ways: Sequence[Way],
    split: str,
    expression: str | None,
    top: int,
    progress: Progress,
    seed: int = 0,
) -> Found:
    """Look for faces in one side of the workspace.

    Parameters
    ----------
    portraits
        What is looked for.
    used
        The generator.
    ways, top
        By what, and how many.
    split
        Where.
    expression
        What the faces show; their own labels, or a judge's, without.
    progress
        Hears of the judge.
    seed
        Of the choice, where there are more than `MOST_FACES`.

    Raises
    ------
    UsageError
        There is no gallery, or a label is not known or no class of the generator.
    """
    gallery = open_gallery(used, split, seed)
    labels = None
    if any(way != "pixel" for way in ways):
        labels = labels_of(portraits.faces, used, expression, progress)
    return Found(portraits, labels, gallery, retrieve(portraits, labels, gallery, used, ways, top))


def open_gallery(used: UsedGenerator, split: str = "test", seed: int = 0) -> Gallery:
    """Read one side of the workspace, at most `MOST_FACES` of as many people as possible.

    Raises
    ------
    UsageError
        There is no workspace, no such split, or no aligned face in it.
    """
    if split not in ("train", "val", "test"):
        raise UsageError(f"no split {split!r}", "--gallery test")
    place = used.needed_workspace(_WHY)
    table = labelled_rows(place, used.model.classes)
    rows = rows_of_split(place, table, split, used.model.classes)
    rows = rows.iloc[in_turns(rows["subject"].to_numpy(str), seed)[:MOST_FACES]]
    return Gallery(rows.index.tolist(), read_faces(place, rows, used.model.size), split)


def retrieve(
    portraits: Portraits,
    labels: Sequence[Label] | None,
    gallery: Gallery,
    used: UsedGenerator,
    ways: Sequence[Way],
    top: int = 5,
) -> list[Hit]:
    """Find the nearest faces, at most one of every person, none of the person looked for.

    Parameters
    ----------
    portraits
        What is looked for.
    labels
        Of each; None where only pixels count.
    gallery
        Where.
    used
        The generator.
    ways, top
        By what, and how many.

    Raises
    ------
    UsageError
        A label is no class of the generator, so that Q cannot read its code.
    """
    classes = used.model.classes
    shown = (
        [label.expression for label in labels] if labels else [classes[0]] * len(portraits.faces)
    )
    unknown = [name for name in shown if name not in classes]
    if unknown:
        raise UsageError(f"{unknown[0]} is no class of the generator", "--by pixel")
    queries = describe_faces(used.model, portraits.images, shown, used.device)
    known = describe_faces(
        used.model, gallery.faces.images, gallery.faces.expressions.tolist(), used.device
    )
    hits = []
    for way in ways:
        for face, row in zip(portraits.faces, distances(queries, known, way), strict=True):
            seen = {face.subject}
            found: list[Hit] = []
            for place in np.argsort(row, kind="stable"):
                person = str(gallery.faces.subjects[place])
                if person in seen or len(found) == top:
                    continue
                seen.add(person)
                expression = str(gallery.faces.expressions[place])
                found.append(
                    Hit(
                        face.source, way, len(found) + 1, gallery.ids[place], person, expression,
                        float(row[place]),
                    )
                )  # fmt: skip
            hits += found
    return hits


def hit_tables(found: Found) -> "tuple[list[RenderableType], dict[str, Any]]":
    """Return what to print, and the same as JSON-ready values."""
    right = ("", "distance")
    table = plain_table(None, "face", "by", "", "found", "expression", "distance", right=right)
    names = {face.source: face.name for face in found.portraits.faces}
    table.columns[0].overflow = table.columns[3].overflow = "fold"  # a cut id cannot be used
    for hit in found.hits:
        begins = (names[hit.source], hit.way) if hit.rank == 1 else ("", "")
        far = f"{hit.distance:.3f}"
        table.add_row(*begins, str(hit.rank), hit.face_id, hit.expression, far)
    pairs = list(zip(found.portraits.faces, found.labels or [], strict=False))
    lines = [f"{face.source}: {label}" for face, label in pairs]
    return [*lines, table], {
        "kind": "retrieved",
        "labels": [{"source": face.source, **asdict(label)} for face, label in pairs],
        "found": [asdict(hit) for hit in found.hits],
    }


def draw_hits(found: Found, used: UsedGenerator, out: Path) -> Path:
    """Draw every face with what was found for it, a line a way.

    Raises
    ------
    UsageError
        `out` is no PNG, or a photograph.
    FaceprepError
        It cannot be written.
    """
    path = sheet_path(out, "retrieved.png")
    faces, gallery = found.portraits.faces, found.gallery
    keep_sources([path], [face.source for face in faces])
    images = dict(zip(gallery.ids, gallery.faces.images, strict=True))
    lines = []
    for face in faces:
        for way in dict.fromkeys(hit.way for hit in found.hits):
            hits = [hit for hit in found.hits if (hit.source, hit.way) == (face.source, way)]
            tiles = [face.image, *(images[hit.face_id] for hit in hits)]
            captions = [face.name, *(f"{hit.expression} {hit.distance:.2f}" for hit in hits)]
            lines.append(Line(f"by {way}", tiles, captions))
    most = max((len(line.tiles) for line in lines), default=1)
    columns = ["source", *(str(number) for number in range(1, most))]
    note = f"{gallery.split} faces of {used.needed_workspace(_WHY).root}  ·  {used.name}"
    width = width_for(max(most, 3))
    write_sheet([header("Retrieved", note, width), grid("", columns, lines, width)], path)
    return path


def evaluate_retrieve(used: UsedGenerator, split: str = "test", seed: int = 0) -> RetrievalReport:
    """Look for all test faces among those of other people, by every way.

    Parameters
    ----------
    used
        The generator.
    split
        Where: ``test`` or ``train``.
    seed
        Of the choice, where there are more than `MOST_FACES`.

    Raises
    ------
    UsageError
        There are no such faces, or the generator was trained on one of the test.
    """
    queries = open_gallery(used, "test", seed).faces
    refuse_leak(used.trained_on, queries.subjects.tolist(), "the generator")
    train = open_gallery(used, "train", seed).faces
    try:
        judge = LandmarkClassifier.fit(train, used.model.classes)
    except MissingToolError:
        judge = None
    where = queries if split == "test" else open_gallery(used, split, seed).faces
    return evaluate_retrieval(used.model, queries, where, judge, used.device)
