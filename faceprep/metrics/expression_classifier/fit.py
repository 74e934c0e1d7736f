"""Fit or load classifiers, and measure them on subjects that they did not see."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from faceprep.generators.targets import NEUTRAL
from faceprep.metrics.agreement import mean_of
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier, predict
from faceprep.metrics.expression_classifier.landmark_classifier import LandmarkClassifier
from faceprep.metrics.leaks import refuse_leak


def fit_classifiers(
    train: LabelledFaces,
    classes: Sequence[str],
    *,
    network: bool = False,
    external: str | None = None,
    seed: int = 0,
) -> list[ExpressionClassifier]:
    """Fit the classifier on landmarks and HOG and, if requested, others after it.

    They also learn neutral if there are neutral faces, because weak edits may look neutral.

    Parameters
    ----------
    network
        Fit the convolutional network as well.
    external
        Load the classifier of the package ``fer`` as well, see `FerClassifier.load`.

    Raises
    ------
    UsageError
        A class has no training face.
    MissingToolError
        The weights of `external` are missing.
    """
    known = with_neutral(classes, train.expressions)
    loaded = [] if external is None else [load_external(known, external)]
    classifiers: list[ExpressionClassifier] = [LandmarkClassifier.fit(train, known)]
    if network:
        from faceprep.metrics.expression_classifier.network_classifier import NetworkClassifier

        classifiers.append(NetworkClassifier.fit(train, known, seed=seed))
    return [*classifiers, *loaded]


def load_external(classes: Sequence[str], spec: str) -> ExpressionClassifier:
    """Load the classifier that others trained; arguments and errors of `FerClassifier.load`."""
    from faceprep.metrics.expression_classifier.fer.classifier import FerClassifier

    return FerClassifier.load(classes, spec)


def with_neutral(classes: Sequence[str], expressions: Collection[str]) -> list[str]:
    """Return the classes, and neutral if it is among the expressions of the training faces."""
    return [*classes, *([NEUTRAL] if NEUTRAL in expressions and NEUTRAL not in classes else [])]


@dataclass(frozen=True, slots=True)
class HeldOutAccuracy:
    """Accuracy on real faces of unseen subjects, the expected upper bound for edits.

    `trained_on` is the number of training subjects, 0 if it was trained elsewhere; `balanced` the
    mean recall over the expressions, and `recall` NaN for an expression that no face shows.
    """

    judge: str
    faces: int
    subjects: int
    trained_on: int
    accuracy: float
    balanced: float
    recall: dict[str, float]


def held_out_accuracy(classifier: ExpressionClassifier, faces: LabelledFaces) -> HeldOutAccuracy:
    """Measure a classifier on real faces; UsageError if it was trained on one of their subjects."""
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
    return HeldOutAccuracy(
        classifier.name,
        len(faces),
        len(np.unique(faces.subjects)),
        len(classifier.subjects),
        float(correct.mean()) if len(faces) else np.nan,
        mean_of([*recall.values()]),
        recall,
    )
