"""Fit the classifiers that measure a generator's faces, on real training faces."""

from collections.abc import Sequence

from faceprep.generators.targets import NEUTRAL
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier
from faceprep.metrics.expression_classifier.landmark_classifier import LandmarkClassifier


def fit_classifiers(
    train: LabelledFaces, classes: Sequence[str], *, network: bool = False, seed: int = 0
) -> list[ExpressionClassifier]:
    """Fit the classifier on landmarks and HOG and, if requested, the convolutional network.

    They also learn neutral if there are neutral faces, because weak edits may look neutral.

    Parameters
    ----------
    train
        Faces of the training subjects.
    classes
        Expressions of the generator.
    network
        Whether to fit the network as well.
    seed
        Seed of the network.

    Raises
    ------
    UsageError
        A class has no training face.
    """
    neutral = [NEUTRAL] if NEUTRAL in train.expressions and NEUTRAL not in classes else []
    known = [*classes, *neutral]
    classifiers: list[ExpressionClassifier] = [LandmarkClassifier.fit(train, known)]
    if network:
        from faceprep.metrics.expression_classifier.network_classifier import NetworkClassifier

        classifiers.append(NetworkClassifier.fit(train, known, seed=seed))
    return classifiers
