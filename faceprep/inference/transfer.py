"""Transfer the expression of one face to another, as a code, Action Units or landmarks.

Ding et al., 2018, Fig. 4, transfer codes. A kind that is driven by Action Units gets those measured
on the face with the expression; one that is driven by landmarks gets the displacement from the
neutral face.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from faceprep.generators.base import HasExpressionCode, Target
from faceprep.generators.codes import absent_code, active_block, clamp_code, one_hot
from faceprep.generators.registry import kinds_driven_by, kinds_that, refusal
from faceprep.inference.action_units import as_dict
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFaces
from faceprep.inference.labels import Label
from faceprep.inference.landmarks import Donor, landmark_target
from faceprep.metrics.representation import expression_codes

#: Mean element of a code below which an edit is hardly visible.
_WEAK = 0.1
#: Intensity of an Action Unit above which it is listed.
_SHOWN = 0.5


@dataclass(frozen=True)
class ExpressionReading:
    """Expression code ``(K·d)`` read from a face, clamped.

    `strength` is the mean element of the labelled class in the code, in [0, 1]; None if it is not a
    class.
    """

    source: str
    label: Label
    strength: float | None
    code: list[float]
    mark: ClassVar[str] = "expressions"  # keyword of the title among the marks of a picture

    @property
    def title(self) -> str:
        """Name of a column of a sheet."""
        return self.label.expression

    def __str__(self) -> str:
        strong = "" if self.strength is None else f", strength {self.strength:.2f}"
        return f"{self.source}: {self.label}{strong}"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "source": self.source,
            **asdict(self.label),
            "strength": self.strength,
            "code": [round(value, 4) for value in self.code],
        }

    def notes(self) -> list[str]:
        """Return a warning if the expression is weak."""
        if self.strength is None or self.strength >= _WEAK:
            return []
        name = self.label.expression
        return [f"Q reads next to no {name} in {self.source}; an edit by name does not ask Q"]


@dataclass(frozen=True)
class UnitsReading:
    """Action Units ``(17,)`` measured on a face."""

    source: str
    title: str  # name of a column of a sheet
    action_units: np.ndarray
    mark: ClassVar[str] = "action_units_of"

    @property
    def shown(self) -> dict[str, float]:
        """Units above `_SHOWN`, the strongest first."""
        units = as_dict(self.action_units)
        strongest = sorted(units.items(), key=lambda one: -one[1])
        return {name: value for name, value in strongest if value > _SHOWN}

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {value:.1f}" for name, value in self.shown.items())
        return f"{self.source}: {shown or f'no Action Unit above {_SHOWN:g}'}"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "source": self.source,
            "shown": self.shown,
            "action_units": as_dict(self.action_units),
        }

    def notes(self) -> list[str]:
        """Return nothing: a face without Action Units is neutral."""
        return []


@dataclass(frozen=True)
class Transfers:
    """Every of N faces with every of M expressions, ``images (N, M, S, S, 3) uint8``."""

    faces: InputFaces
    expressions: InputFaces
    readings: Sequence[ExpressionReading | UnitsReading | Donor]
    images: np.ndarray


def transferred(generator: LoadedGenerator) -> str:
    """Return what is transferred: ``action_units``, ``landmarks`` or ``code``.

    UsageError if the kind can transfer none of them.
    """
    for name in ("action_units", "landmarks"):
        if name in generator.editor.targets.driven_by:
            return name
    if not isinstance(generator.model, HasExpressionCode):
        driven = {*kinds_driven_by("action_units"), *kinds_driven_by("landmarks")}
        raise refusal(
            generator.kind, {*driven, *kinds_that(HasExpressionCode)}, "transfer expressions"
        )
    return "code"


def transfer_expressions(
    faces: InputFaces, expressions: InputFaces, labels: list[Label], generator: LoadedGenerator
) -> Transfers:
    """Transfer the expression code of every one of `expressions` to every face.

    Parameters
    ----------
    labels
        Expression of each of `expressions`.

    Raises
    ------
    UsageError
        The generator has no expression code.
    """
    codes = read_codes(expressions, labels, generator)
    images = [
        generator.editor.apply(np.repeat(face.image[None], len(codes), 0), Target(code=codes))
        for face in faces.faces
    ]
    readings = [
        ExpressionReading(face.source, label, strength_of(label, code, generator), code.tolist())
        for face, label, code in zip(expressions.faces, labels, codes, strict=True)
    ]
    return Transfers(faces, expressions, readings, np.stack(images))


def transfer_units(
    faces: InputFaces, expressions: InputFaces, generator: LoadedGenerator
) -> Transfers:
    """Give every face the Action Units of every one of `expressions`.

    UsageError if the kind is not driven by Action Units.
    """
    generator.with_action_units("transfer Action Units")
    units = expressions.measurements.action_units
    assert units is not None
    images = []
    for face in faces.faces:
        sources = face.measurements.take(np.zeros(len(units), np.int64))
        target = generator.editor.targets.make_action_units(units, sources)
        images.append(generator.editor.apply(np.repeat(face.image[None], len(units), 0), target))
    readings = [
        UnitsReading(face.source, face.name, own)
        for face, own in zip(expressions.faces, units, strict=True)
    ]
    return Transfers(faces, expressions, readings, np.stack(images))


def transfer_landmarks(
    faces: InputFaces, expressions: InputFaces, labels: list[Label], generator: LoadedGenerator
) -> Transfers:
    """Give every face the displacement of the landmarks of every one of `expressions`.

    `labels`: expression of each of `expressions`; empty if the networks do not read it.
    UsageError if the kind is not driven by landmarks.
    """
    known: Sequence[Label | None] = labels or [None] * len(expressions.faces)
    donors = [Donor(*pair) for pair in zip(expressions.faces, known, strict=True)]
    images = []
    for face in faces.faces:
        sources = InputFaces([face] * len(donors))
        target = landmark_target(sources, donors, generator)
        images.append(generator.editor.apply(sources.images, target))
    return Transfers(faces, expressions, donors, np.stack(images))


def read_codes(inputs: InputFaces, labels: list[Label], generator: LoadedGenerator) -> Tensor:
    """Read expression codes with Q, clamped to the range of training, ``(N, K·d)``.

    If neutral is not a class, Q cannot read it: the code without any class is used.
    """
    model = generator.with_codes("read expression codes")
    codes = absent_code(len(labels), len(model.classes), model.elements)
    readable = [n for n, label in enumerate(labels) if label.expression in model.classes]
    if readable:
        names = [labels[n].expression for n in readable]
        read = expression_codes(model, inputs.images[readable], names, generator.device)
        codes[readable] = clamp_code(torch.from_numpy(read).float(), one_hot(names, model.classes))
    return codes


def strength_of(label: Label, code: Tensor, generator: LoadedGenerator) -> float | None:
    """Return the mean element of the labelled class in a code ``(K·d)``; None if not a class."""
    classes = generator.model.classes
    if label.expression not in classes:
        return None
    return float(active_block(code[None], one_hot([label.expression], classes)).mean())
