"""Targets of an edit: conversion of an expression name to the inputs of a generator.

============================  ==============================================================
field that drives the kind    value for expression e at intensity t
============================  ==============================================================
``code``                      controller(y, z): all elements t, or the given magnitudes
``action_units``              source + t · (peak face of e − source), clipped to [0, 5]
``landmarks``                 source + t · (displacement from neutral to the peak of e − that of
                              the source from its own neutral face, estimated)
============================  ==============================================================

Peak faces and displacements are `References`. Without references, neutral has zero action units and
zero displacement; if it is not a class, its code has no active class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from faceprep.core.errors import UsageError
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.generators.base import Generator, HasExpressionCode, Target
from faceprep.generators.registry import spec_of
from faceprep.generators.shapes import ShapeModel

#: Expression that is supported even if it is not a class.
NEUTRAL = "neutral"

#: Largest intensity of an Action Unit.
MOST_INTENSE = 5.0


@dataclass(frozen=True)
class Measurements:
    """Measurements of N source faces, inputs of a target."""

    #: ``(N, 17)`` intensities in [0, 5]; None if not measured.
    action_units: np.ndarray | None = None
    landmarks: np.ndarray | None = None  # ``(N, 68, 2)`` in sides of the crop; None if not measured

    def take(self, rows: Any) -> "Measurements":
        """Return the measurements of some faces, by indices, a slice or a mask."""
        values = (self.action_units, self.landmarks)
        return Measurements(*(None if one is None else one[rows] for one in values))

    @staticmethod
    def concatenate(parts: Sequence["Measurements"]) -> "Measurements":
        """Join measurements; a field missing in any part is missing in the result."""

        def joined(name: str) -> np.ndarray | None:
            values = [getattr(one, name) for one in parts]
            known = bool(values) and all(value is not None for value in values)
            return np.concatenate(values) if known else None

        return Measurements(joined("action_units"), joined("landmarks"))


#: Key of the reference faces in the `extra` of a generator's file, and of the shape model in them.
REFERENCES, SHAPE = "references", "shape"


_SHAPES = {"action_units": (len(INTENSITY_AUS),), "landmarks": (68, 2)}


@dataclass(frozen=True)
class References:
    """Reference faces by expression."""

    #: Expression → ``(n, 17)`` intensities in [0, 5].
    action_units: Mapping[str, np.ndarray] = field(default_factory=dict)
    #: Expression → ``(n, 68, 2)`` displacements from the neutral face of the same subject, in sides
    #: of the crop.
    landmarks: Mapping[str, np.ndarray] = field(default_factory=dict)
    #: Estimate of the displacement of any face; None: taken as 0.
    shape: ShapeModel | None = None

    def displacement(self, points: np.ndarray) -> np.ndarray:
        """Return the estimated displacements of landmarks ``(N, 68, 2)`` from the neutral face."""
        return np.zeros_like(points) if self.shape is None else self.shape.displacement(points)


def references_of(extra: Mapping[str, Any]) -> References:
    """Read the reference faces in the `extra` of a generator's file; empty without any.

    Raises
    ------
    UsageError
        They are malformed.
    """
    try:
        stored = extra.get(REFERENCES, {})
        shape = stored.get(SHAPE)
        return References(
            **{
                name: {str(key): _array(one, shape) for key, one in stored.get(name, {}).items()}
                for name, shape in _SHAPES.items()
            },
            shape=None if shape is None else ShapeModel.from_json(shape),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UsageError("the generator's reference faces cannot be read") from None


def _array(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values, np.float32)
    if array.shape[1:] != shape or not len(array) or not np.isfinite(array).all():
        raise ValueError(f"expected (n, {', '.join(map(str, shape))}) finite numbers")
    return array


#: Length of a mean displacement, relative to those of single faces, from which it is lengthened.
_COMMON = 1 / 3


class TargetMaker:
    """Make targets for a generator."""

    def __init__(self, generator: Generator, references: References | None = None) -> None:
        self.generator = generator
        self.references = references or References()
        own = getattr(generator, "driven_by", None)  # a kind may be driven by other labels
        self.driven_by = spec_of(generator.kind).driven_by if own is None else own

    @property
    def expressions(self) -> tuple[str, ...]:
        """Supported expressions: the classes and neutral."""
        classes = self.generator.classes
        return classes if NEUTRAL in classes else (*classes, NEUTRAL)

    @property
    def measured(self) -> frozenset[str]:
        """Fields of `Measurements` that a target needs."""
        return self.driven_by & {"action_units", "landmarks"}

    @property
    def elements(self) -> int:
        """Number d of elements per class in the expression code; 0 for generators without codes."""
        return int(getattr(self.generator, "elements", 0)) if "code" in self.driven_by else 0

    def make(
        self,
        expressions: Sequence[str],
        intensity: np.ndarray,
        *,
        sources: Measurements | None = None,
        magnitudes: np.ndarray | None = None,
        donors: np.ndarray | None = None,
    ) -> Target:
        """Make the target of B faces on the CPU.

        Parameters
        ----------
        intensity : (B,)
            Input of the generator in [0, 1], after the calibration.
        sources
            Measurements of the source faces; not needed for new faces.
        magnitudes : (B, d)
            Elements of the active class of an expression code; all equal to `intensity` if None.
        donors : (B,)
            Numbers in [0, 1) that choose a reference face; None uses the mean of all.

        Raises
        ------
        UsageError
            An expression is unknown, or measurements or reference faces are missing.
        """
        level = torch.from_numpy(np.asarray(intensity, np.float32))
        y = self._labels(expressions)
        fields: dict[str, Tensor] = {"expression": y, "intensity": level}
        if "code" in self.driven_by:
            z = level[:, None].expand(-1, self.elements)
            if magnitudes is not None:
                z = torch.from_numpy(np.asarray(magnitudes, np.float32))
            fields["code"] = cast(HasExpressionCode, self.generator).controller(y, z)
        for name in sorted(self.measured):
            source = self._source(name, sources)
            wanted = np.empty(source.shape)
            for row, expression in enumerate(expressions):
                donor = None if donors is None else donors[row]
                change = self._change(name, expression, source[row], donor)
                wanted[row] = source[row] + intensity[row] * change
            if name == "action_units":
                wanted = wanted.clip(0, MOST_INTENSE)
            fields[name] = torch.from_numpy(wanted.astype(np.float32))
            fields[f"source_{name}"] = torch.from_numpy(source.astype(np.float32))
        return Target(**fields)

    def make_action_units(self, wanted: np.ndarray, sources: Measurements) -> Target:
        """Make the target of B faces on the CPU from requested intensities ``(B, 17)``.

        They are clipped to [0, 5]. UsageError if the AUs of the sources are missing.
        """
        source = self._source("action_units", sources)
        return Target(
            action_units=torch.from_numpy(wanted.clip(0, MOST_INTENSE).astype(np.float32)),
            source_action_units=torch.from_numpy(source.astype(np.float32)),
        )

    def make_landmarks(
        self,
        wanted: np.ndarray,
        expressions: Sequence[str] | None,
        sources: Measurements,
        intensity: float = 1.0,
    ) -> Target:
        """Make the target of B faces on the CPU from requested landmarks ``(B, 68, 2)``.

        `expressions`: expressions that the landmarks show, for kinds that read them as well.
        `intensity`: part of the way from the sources' landmarks, in [0, 1].
        UsageError if an expression is unknown, or the landmarks of the sources are missing.
        """
        source = self._source("landmarks", sources)
        wanted = source + intensity * (wanted - source)
        return Target(
            expression=None if expressions is None else self._labels(expressions),
            intensity=torch.full((len(wanted),), intensity),
            landmarks=torch.from_numpy(wanted.astype(np.float32)),
            source_landmarks=torch.from_numpy(source.astype(np.float32)),
        )

    def _labels(self, expressions: Sequence[str]) -> Tensor:
        """Return one-hot labels ``(B, K)``; all 0 for neutral if it is not a class."""
        classes = self.generator.classes
        for name in expressions:
            if name not in self.expressions:
                known = ", ".join(self.expressions)
                raise UsageError(f"the generator does not know {name!r}", f"one of: {known}")
        rows = [[float(one == name) for one in classes] for name in expressions]
        return torch.tensor(rows).reshape(len(rows), len(classes))

    def _source(self, name: str, sources: Measurements | None) -> np.ndarray:
        values = getattr(sources, name, None)
        if values is None:
            words = name.replace("_", " ")
            raise UsageError(
                f"{self.generator.kind} is driven by {words}; those of the faces are not known",
                f"measure the {words} of the faces first",
            )
        return np.asarray(values)

    def _change(
        self, name: str, expression: str, source: np.ndarray, donor: float | None
    ) -> np.ndarray:
        """Return the change of a measurement from the source to the peak of an expression."""
        faces = getattr(self.references, name).get(expression)
        if faces is None and expression == NEUTRAL:
            faces = np.zeros((1, *source.shape))
        if faces is None:
            words = name.replace("_", " ")
            raise UsageError(
                f"the generator's file has no reference faces of {expression}",
                f"train it on a workspace with {expression} faces and their {words}",
            )
        if donor is not None:
            reference = faces[int(donor * len(faces))]
        else:
            reference = faces.mean(axis=0) if name == "action_units" else _typical(faces)
        # Landmark references are already displacements, because shapes of subjects differ.
        own = self.references.displacement(source[None])[0] if name == "landmarks" else source
        return np.asarray(reference - own)


def _typical(moved: np.ndarray) -> np.ndarray:
    """Return the mean of displacements ``(n, 68, 2)``, as long as one of them is on average.

    The faces of an expression move in different ways, so that their mean is a weak expression.
    Displacements that are mostly different, as those of neutral faces, are not lengthened.
    """
    mean = moved.mean(axis=0)
    length, single = np.linalg.norm(mean), np.linalg.norm(moved.reshape(len(moved), -1), axis=1)
    typical = float(single.mean())
    return np.asarray(mean * (typical / length) if length > _COMMON * typical else mean)
