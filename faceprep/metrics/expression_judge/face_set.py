"""Aligned faces in memory, with what the judges need to know of them computed once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from faceprep.core.errors import UsageError
from faceprep.faces.landmarks import flip_points
from faceprep.metrics.expression_judge.descriptors import FaceDescriptors, describe, find_landmarks


@dataclass(frozen=True)
class FaceSet:
    """N aligned crops, photographed or made.

    Attributes
    ----------
    images
        ``(N, S, S, 3) uint8`` RGB.
    template
        To which they are aligned; tells where the landmarks are looked for.
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
    def descriptors(self) -> FaceDescriptors:
        """Shape and texture."""
        return describe(self.images, self.landmarks68)

    @cached_property
    def mirrored(self) -> FaceDescriptors:
        """Shape and texture of the same faces, mirrored."""
        images = np.ascontiguousarray(self.images[:, :, ::-1])
        return describe(images, flip_points(self.landmarks68, self.images.shape[2]))

    def prepare(self) -> None:
        """Compute all of it now, so that `LabelledFaces.take` hands it on."""
        _ = self.descriptors, self.mirrored


@dataclass(frozen=True)
class LabelledFaces(FaceSet):
    """N photographed crops with what is known of them.

    Attributes
    ----------
    expressions
        ``(N,)`` names.
    subjects
        ``(N,)`` who it is.
    """

    expressions: np.ndarray = None  # type: ignore[assignment]
    subjects: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        super().__post_init__()
        if np.shape(self.expressions) != (len(self),) or np.shape(self.subjects) != (len(self),):
            raise ValueError(f"expected expressions and subjects of {len(self)} faces")

    def take(self, rows: np.ndarray) -> "LabelledFaces":
        """Return some of the faces, by a mask or by indices; what is known already goes along."""
        some = replace(
            self,
            images=self.images[rows],
            expressions=self.expressions[rows],
            subjects=self.subjects[rows],
        )
        if "landmarks68" in self.__dict__:
            some.__dict__["landmarks68"] = self.landmarks68[rows]
        for name in ("descriptors", "mirrored"):
            if name in self.__dict__:
                parts = (part[rows] for part in self.__dict__[name])
                some.__dict__[name] = FaceDescriptors(*parts)
        return some


def refuse_leak(training: Iterable[str], judged: Iterable[str], what: str) -> None:
    """Refuse a person on both sides: numbers about known people say nothing about new ones.

    Raises
    ------
    UsageError
        A subject of `training` is among those that are judged.
    """
    both = sorted({*training} & {*judged})
    if both:
        more = f" and {len(both) - 1} more" if len(both) > 1 else ""
        raise UsageError(
            f"{what} saw subject {both[0]}{more}, who is to be judged",
            "split by subject: faceprep select --overwrite",
        )
