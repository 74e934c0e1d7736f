"""Which expression a face shows, and who says so."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceprep.core.progress import Progress
from faceprep.generators.editor import NEUTRAL
from faceprep.inference.generator import UsedGenerator
from faceprep.inference.inputs import Portrait
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier, predict
from faceprep.metrics.expression_classifier.fit import fit_classifiers
from faceprep.metrics.workspace_faces import (
    in_turns,
    labelled_rows,
    read_faces,
    rows_of_split,
    template_of,
)

#: Training faces that the judge learns from; more take longer and change little.
_MOST_FACES = 2000


@dataclass(frozen=True)
class Label:
    """An expression.

    Attributes
    ----------
    expression
        Its name.
    by
        Who says so: ``asked``, ``workspace`` or the name of the judge.
    probability
        The judge's.
    """

    expression: str
    by: str
    probability: float | None = None

    def __str__(self) -> str:
        sure = "" if self.probability is None else f" {100 * self.probability:.0f} %"
        return f"{self.expression} ({self.by}{sure})"


def labels_of(
    faces: Sequence[Portrait], used: UsedGenerator, asked: str | None, progress: Progress
) -> list[Label]:
    """Labels of faces: what was asked, else the workspace's, else an independent judge's.

    The judge is that of ``evaluate edits``, trained on the workspace's training faces.

    Raises
    ------
    UsageError
        The generator does not know what was asked, or nobody knows the label.
    MissingToolError
        The judge cannot find landmarks here.
    """
    if asked is not None:
        used.check_expression(asked)
        return [Label(asked, "asked")] * len(faces)
    known = used.editor.expressions
    open_ = [number for number, face in enumerate(faces) if face.expression not in known]
    read: dict[int, Label] = {}
    if open_:
        judge = label_judge(used, progress)
        images = np.stack([faces[number].image for number in open_])
        read = dict(zip(open_, judged(judge, images, used), strict=True))
    return [
        read.get(number, Label(str(face.expression), "workspace"))
        for number, face in enumerate(faces)
    ]


def label_judge(used: UsedGenerator, progress: Progress) -> ExpressionClassifier:
    """Train the judge of expressions on training faces of the workspace.

    Raises
    ------
    UsageError
        There is no workspace, or it has no training faces.
    MissingToolError
        Landmarks cannot be found here.
    """
    place = used.needed_workspace("a judge of the expression needs a workspace's training faces")
    table = labelled_rows(place, [*used.model.classes, NEUTRAL])
    rows = rows_of_split(place, table, "train", used.model.classes)
    rows = rows.iloc[in_turns(rows["subject"].to_numpy(str))[:_MOST_FACES]]
    progress.say(f"the judge of expressions learns from {len(rows)} training faces")
    faces = read_faces(place, rows, used.model.size)
    return fit_classifiers(faces, used.model.classes)[0]


def judged(judge: ExpressionClassifier, images: np.ndarray, used: UsedGenerator) -> list[Label]:
    """What a judge reads from crops ``(N, S, S, 3) uint8`` in the size of the generator."""
    template = used.align.template if used.workspace is None else template_of(used.workspace)
    scores = judge.log_probabilities(AlignedFaces(images, template))
    return [
        Label(judge.classes[column], f"judge {judge.name}", float(np.exp(row[column])))
        for row, column in zip(scores, predict(scores), strict=True)
    ]
