"""Logistic regression on landmarks and HOG."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.linear_model import LogisticRegression

from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces, LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier
from faceprep.metrics.expression_classifier.landmark_hog import LandmarkHog

# Inverse strength of the L2 penalty, per face; each group of features has total variance 1.
# Chosen by cross-validation over the training subjects of photographs.
_STRENGTH = 5.0
_ITERATIONS = 1000
_TOLERANCE = 1e-3

#: Mean and divisor of each group of features.
Scaling = list[tuple[np.ndarray, np.ndarray]]


class _Model(NamedTuple):
    scaling: Scaling
    regression: Any


class LandmarkClassifier(ExpressionClassifier):
    """Logistic regression on the shape and the texture of a face."""

    name: ClassVar[str] = "landmarks+HOG"

    @classmethod
    def fit(cls, faces: LabelledFaces, classes: Sequence[str], *, seed: int = 0) -> Self:
        """Fit the classifier; see `ExpressionClassifier.fit`. Features are cached in `faces`."""
        faces.prepare()
        return super().fit(faces, classes, seed=seed)

    @classmethod
    def _fit_model(cls, faces: LabelledFaces, labels: np.ndarray, classes: int, seed: int) -> Any:
        both = faces.landmark_hog, faces.mirrored_landmark_hog
        scaling = _scaling(*both)
        regression = LogisticRegression(C=_STRENGTH, max_iter=_ITERATIONS, tol=_TOLERANCE)
        regression.fit(
            np.concatenate([_columns(features, scaling) for features in both]),
            np.concatenate([labels, labels]),
        )
        return _Model(scaling, regression)

    def _scores(self, faces: AlignedFaces) -> np.ndarray:
        both = [
            self.model.regression.predict_log_proba(_columns(features, self.model.scaling))
            for features in (faces.landmark_hog, faces.mirrored_landmark_hog)
        ]
        return np.asarray(np.mean(both, axis=0))


def _scaling(*samples: LandmarkHog) -> Scaling:
    """Return mean and divisor of every group of features, for a total variance of 1 each.

    Points and measures are scaled individually. The texture is scaled as a whole, because a rare
    HOG direction is noise.
    """
    scales = []
    for number, parts in enumerate(zip(*samples, strict=True)):
        values = np.concatenate(parts)
        deviation = values.std(axis=0) if number < 2 else values.std()
        divisor = np.maximum(deviation, 1e-6) * np.sqrt(values.shape[1])
        scales.append((values.mean(axis=0), np.asarray(divisor, np.float32)))
    return scales


def _columns(features: LandmarkHog, scaling: Scaling) -> np.ndarray:
    """Return scaled features side by side, ``(N, columns)``."""
    groups = zip(features, scaling, strict=True)
    return np.concatenate([(group - mean) / divisor for group, (mean, divisor) in groups], axis=1)
