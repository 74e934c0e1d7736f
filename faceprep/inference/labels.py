"""Label the expression of a face: by the user, the workspace, or a classifier."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceprep.core.progress import Progress
from faceprep.generators.base import HasExpressionCode
from faceprep.generators.targets import NEUTRAL
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFace
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier, predict
from faceprep.metrics.expression_classifier.fit import with_neutral
from faceprep.metrics.expression_classifier.kept import kept_classifier
from faceprep.metrics.workspace_faces import (
    in_turns,
    labelled_rows,
    rows_of_split,
    template_of,
)

#: Largest number of training faces of the classifier; more change little.
_MOST_FACES = 2000


@dataclass(frozen=True)
class Label:
    """Expression of a face."""

    expression: str
    by: str  # origin of the label: ``asked``, ``workspace`` or the name of the classifier
    probability: float | None = None  # probability by the classifier

    def __str__(self) -> str:
        sure = "" if self.probability is None else f" {100 * self.probability:.0f} %"
        return f"{self.expression} ({self.by}{sure})"


def needs_labels(generator: LoadedGenerator) -> bool:
    """Return whether a transfer needs the name of the expression, as networks read it."""
    by_name = "expression" in generator.editor.targets.driven_by
    return by_name or isinstance(generator.model, HasExpressionCode)


def labels_of(
    faces: Sequence[InputFace], generator: LoadedGenerator, asked: str | None, progress: Progress
) -> list[Label]:
    """Return the label given by the user, else that of the workspace, else that of a classifier.

    The classifier is that of ``evaluate edits``, trained on the workspace's training faces, and
    kept there.

    Raises
    ------
    UsageError
        The given label is not a class of the generator, or the classifier cannot be trained.
    MissingToolError
        Landmarks cannot be found here.
    """
    if asked is not None:
        asked = generator.expression_of(asked, "expression")
        return [Label(asked, "asked")] * len(faces)
    known = generator.editor.expressions
    unlabelled = [number for number, face in enumerate(faces) if face.expression not in known]
    read: dict[int, Label] = {}
    if unlabelled:
        judge = label_judge(generator, progress)
        images = np.stack([faces[number].image for number in unlabelled])
        read = dict(zip(unlabelled, judged_labels(judge, images, generator), strict=True))
    return [
        read.get(number, Label(str(face.expression), "workspace"))
        for number, face in enumerate(faces)
    ]


def label_judge(generator: LoadedGenerator, progress: Progress) -> ExpressionClassifier:
    """Return the expression classifier of the workspace's training faces; errors as `labels_of`."""
    why = "a classifier of expressions needs the training faces of a workspace"
    place, classes = generator.needed_workspace(why), generator.model.classes
    table = labelled_rows(place, [*classes, NEUTRAL])
    rows = rows_of_split(place, table, "train", classes)
    rows = rows.iloc[in_turns(rows["subject"].to_numpy(str))[:_MOST_FACES]]
    known = with_neutral(classes, rows["expression"].unique())
    return kept_classifier(place, rows, known, generator.model.size, progress)


def judged_labels(
    judge: ExpressionClassifier, images: np.ndarray, generator: LoadedGenerator
) -> list[Label]:
    """Label crops ``(N, S, S, 3) uint8`` of the size of the generator with a classifier."""
    place = generator.workspace
    template = generator.align.template if place is None else template_of(place)
    scores = judge.log_probabilities(AlignedFaces(images, template))
    return [
        Label(judge.classes[column], f"judge {judge.name}", float(np.exp(row[column])))
        for row, column in zip(scores, predict(scores), strict=True)
    ]
