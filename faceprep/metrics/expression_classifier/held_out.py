"""Accuracy of an expression classifier on real faces of subjects that it was not trained on."""

from dataclasses import dataclass

import numpy as np

from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier, predict
from faceprep.metrics.leaks import refuse_leak


@dataclass(frozen=True, slots=True)
class HeldOutAccuracy:
    """Accuracy on real faces of unseen subjects, the expected upper bound for edits.

    Attributes
    ----------
    judge
        Name of the classifier.
    faces, subjects
        Numbers of test faces and of test subjects.
    trained_on
        Number of training subjects.
    accuracy
        Share of faces classified correctly.
    balanced
        Mean recall over the expressions.
    recall
        Expression → share of its faces classified correctly; NaN where no face shows it.
    """

    judge: str
    faces: int
    subjects: int
    trained_on: int
    accuracy: float
    balanced: float
    recall: dict[str, float]


def held_out_accuracy(classifier: ExpressionClassifier, faces: LabelledFaces) -> HeldOutAccuracy:
    """Measure a classifier on real faces of other subjects.

    Raises
    ------
    UsageError
        It was trained on one of them.
    """
    refuse_leak(classifier.subjects, faces.subjects.tolist(), f"the judge {classifier.name}")
    faces = faces.take(np.isin(faces.expressions, classifier.classes))
    predicted = np.array(classifier.classes)[predict(classifier.log_probabilities(faces))]
    correct = predicted == faces.expressions
    recall = {
        str(name): float(correct[faces.expressions == name].mean())
        if (faces.expressions == name).any()
        else np.nan
        for name in classifier.classes
    }
    values = [value for value in recall.values() if np.isfinite(value)]
    return HeldOutAccuracy(
        classifier.name,
        len(faces),
        len(np.unique(faces.subjects)),
        len(classifier.subjects),
        float(correct.mean()) if len(faces) else np.nan,
        float(np.mean(values)) if values else np.nan,
        recall,
    )
