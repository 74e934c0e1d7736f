"""Transfer the expression of one face to another (Ding et al., 2018, Fig. 4)."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from faceprep.generators.base import Target
from faceprep.generators.codes import absent_code, active_block, clamp_code, one_hot
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFaces
from faceprep.inference.labels import Label
from faceprep.metrics.representation import expression_codes

#: Mean element of a code below which an edit is hardly visible.
_WEAK = 0.1


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
class Transfers:
    """Every of N faces with every of M expressions, ``images (N, M, S, S, 3) uint8``."""

    faces: InputFaces
    expressions: InputFaces
    readings: list[ExpressionReading]
    images: np.ndarray


def transfer_expressions(
    faces: InputFaces, expressions: InputFaces, labels: list[Label], generator: LoadedGenerator
) -> Transfers:
    """Transfer every expression to every face.

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
