"""Logistic regression on landmarks and HOG."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.linear_model import LogisticRegression

from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces, LabelledFaces
from faceprep.metrics.expression_classifier.base import TrainedClassifier
from faceprep.metrics.expression_classifier.landmark_hog import LandmarkHog

#: Settings of the regression. C is the inverse strength of the L2 penalty, per face; each group of
#: features has total variance 1. Chosen by cross-validation over training subjects of photographs.
SETTINGS: dict[str, Any] = {"C": 5.0, "max_iter": 1000, "tol": 1e-3}

#: Results of a fit of the regression.
_FITTED = ("classes_", "coef_", "intercept_")

#: Mean and divisor of each group of features.
Scaling = list[tuple[np.ndarray, np.ndarray]]


class _Model(NamedTuple):
    scaling: Scaling
    regression: Any


class LandmarkClassifier(TrainedClassifier):
    """Logistic regression on the shape and the texture of a face."""

    name: ClassVar[str] = "landmarks+HOG"

    @classmethod
    def fit(cls, faces: LabelledFaces, classes: Sequence[str], *, seed: int = 0) -> Self:
        """Fit the classifier; see `TrainedClassifier.fit`. Features are cached in `faces`."""
        faces.prepare()
        return super().fit(faces, classes, seed=seed)

    @classmethod
    def _fit_model(cls, faces: LabelledFaces, labels: np.ndarray, classes: int, seed: int) -> Any:
        both = faces.landmark_hog, faces.mirrored_landmark_hog
        scaling = _scaling(*both)
        regression = LogisticRegression(**SETTINGS)
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

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return everything that `from_arrays` needs, as arrays without objects."""
        fitted = self.model.regression
        arrays = {
            "names": np.array(self.classes),
            "subjects": np.array(sorted(self.subjects)),
            "prior": self.prior,
            **{name: getattr(fitted, name) for name in _FITTED},
        }
        for number, (mean, divisor) in enumerate(self.model.scaling):
            arrays |= {f"mean{number}": mean, f"divisor{number}": divisor}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the classifier of `to_arrays`; KeyError if an array is missing."""
        regression = LogisticRegression(**SETTINGS)
        for name in _FITTED:
            setattr(regression, name, arrays[name])
        groups = range(len(LandmarkHog._fields))
        scaling = [(arrays[f"mean{number}"], arrays[f"divisor{number}"]) for number in groups]
        return cls(
            tuple(arrays["names"].tolist()),
            frozenset(arrays["subjects"].tolist()),
            arrays["prior"],
            _Model(scaling, regression),
        )


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
