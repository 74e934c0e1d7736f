"""Aligned crops in memory, with cached landmarks and features."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from faceprep.core.landmarks import flip_points
from faceprep.generators.targets import Measurements
from faceprep.metrics.expression_classifier.landmark_hog import (
    LandmarkHog,
    extract_features,
    find_landmarks,
)


@dataclass(frozen=True)
class AlignedFaces:
    """N aligned crops ``(N, S, S, 3) uint8``, photographed or generated.

    The points of the alignment template start the search for landmarks.
    """

    images: np.ndarray
    template: str = "expression"

    def __post_init__(self) -> None:
        shape = self.images.shape
        if (
            len(shape) != 4
            or shape[1] != shape[2]
            or shape[3] != 3
            or self.images.dtype != np.uint8
        ):
            raise ValueError(f"expected (N, S, S, 3) uint8 crops, got {shape} {self.images.dtype}")

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def landmarks68(self) -> np.ndarray:
        """``(N, 68, 2)`` crop pixels."""
        return find_landmarks(self.images, self.template)

    @cached_property
    def landmark_hog(self) -> LandmarkHog:
        """Shape and texture of the faces."""
        return extract_features(self.images, self.landmarks68)

    @cached_property
    def mirrored_landmark_hog(self) -> LandmarkHog:
        """Shape and texture of the mirrored faces."""
        images = np.ascontiguousarray(self.images[:, :, ::-1])
        return extract_features(images, flip_points(self.landmarks68, self.images.shape[2]))

    def prepare(self) -> None:
        """Compute all features, so that `LabelledFaces.take` can reuse them."""
        _ = self.landmark_hog, self.mirrored_landmark_hog


@dataclass(frozen=True)
class LabelledFaces(AlignedFaces):
    """N photographed crops with expressions ``(N,)``, subjects ``(N,)`` and measurements."""

    expressions: np.ndarray = None  # type: ignore[assignment]
    subjects: np.ndarray = None  # type: ignore[assignment]
    measurements: Measurements = field(default_factory=Measurements)

    def __post_init__(self) -> None:
        super().__post_init__()
        if np.shape(self.expressions) != (len(self),) or np.shape(self.subjects) != (len(self),):
            raise ValueError(f"expected expressions and subjects of {len(self)} faces")

    def take(self, rows: np.ndarray) -> "LabelledFaces":
        """Return the faces of a mask or of indices, with the features computed so far."""
        some = replace(
            self,
            images=self.images[rows],
            expressions=self.expressions[rows],
            subjects=self.subjects[rows],
            measurements=self.measurements.take(rows),
        )
        if "landmarks68" in self.__dict__:
            some.__dict__["landmarks68"] = self.landmarks68[rows]
        for name in ("landmark_hog", "mirrored_landmark_hog"):
            if name in self.__dict__:
                parts = (part[rows] for part in self.__dict__[name])
                some.__dict__[name] = LandmarkHog(*parts)
        return some
