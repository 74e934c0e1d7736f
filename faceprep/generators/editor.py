"""A generator in use: crops in, edited crops out."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from faceprep.core.errors import UsageError
from faceprep.core.pixels import image_tensor, to_uint8
from faceprep.generators.calibration import IntensityMap
from faceprep.generators.exprgan.codes import neutral_code

#: The expression that a generator may have without knowing it as a class.
NEUTRAL = "neutral"

_BATCH = 64


class EditingGenerator(Protocol):
    """The part of `faceprep.generators.base.Generator` that edits faces."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Expressions in the order of the labels."""
        ...

    @property
    def elements(self) -> int:
        """Elements of a class in the expression code."""
        ...

    @property
    def identity(self) -> int:
        """Length of an identity."""
        ...

    def identities(self, u: Tensor) -> Tensor:
        """New identities from uniform numbers."""
        ...

    def encode(self, x: Tensor) -> Tensor:
        """Identities of images."""
        ...

    def controller(self, y: Tensor, z: Tensor) -> Tensor:
        """Codes of labels and noise."""
        ...

    def decode(self, g: Tensor, c: Tensor, src: Tensor | None = None) -> Tensor:
        """Images of identities, codes and sources."""
        ...


class Editor:
    """Edits crops ``(N, S, S, 3) uint8`` RGB with a generator.

    Parameters
    ----------
    generator
        In eval mode, on `device`.
    calibration
        Expression → map of the intensity; as it is where there is none.
    device
        Where the generator is.
    """

    def __init__(
        self,
        generator: EditingGenerator,
        calibration: Mapping[str, IntensityMap] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.generator = generator
        self.calibration = dict(calibration or {})
        self.device = torch.device(device)

    @property
    def expressions(self) -> tuple[str, ...]:
        """What faces can be given: the classes, and neutral, which is no class to the paper."""
        classes = self.generator.classes
        return classes if NEUTRAL in classes else (*classes, NEUTRAL)

    def edit(self, images: np.ndarray, expression: str, intensity: float = 1.0) -> np.ndarray:
        """Give faces an expression, in an intensity from 0 to 1.

        Neutral, where it is no class, is every class told to be absent (ExprGAN, Fig. 3).

        Raises
        ------
        UsageError
            The generator does not know the expression.
        """
        return self.apply(images, self._code(expression, intensity, len(images)))

    def apply(self, images: np.ndarray, codes: Tensor) -> np.ndarray:
        """Give faces expression codes ``(N, K·d)``, one each."""
        parts = []
        with torch.no_grad():
            for start in range(0, len(images), _BATCH):
                x = image_tensor(images[start : start + _BATCH], self.device)
                c = codes[start : start + _BATCH].to(self.device)
                parts.append(to_pixels(self.generator.decode(self.generator.encode(x), c, x)))
        return np.concatenate(parts) if parts else images[:0]

    def invent(self, count: int, expression: str, seed: int = 0) -> np.ndarray:
        """Make new people with an expression: identities drawn from the prior, no source.

        The same seed gives the same people, whatever the expression.
        """
        random = torch.Generator().manual_seed(seed)
        uniform = torch.rand(count, self.generator.identity, generator=random) * 2 - 1
        g = self.generator.identities(uniform)
        parts = []
        with torch.no_grad():
            for some in g.split(_BATCH):
                code = self._code(expression, 1.0, len(some)).to(self.device)
                parts.append(to_pixels(self.generator.decode(some.to(self.device), code)))
        return np.concatenate(parts)

    def _code(self, expression: str, intensity: float, count: int) -> Tensor:
        classes = self.generator.classes
        if expression in self.calibration:
            intensity = self.calibration[expression](intensity)
        if expression == NEUTRAL and NEUTRAL not in classes:
            return intensity * neutral_code(count, len(classes), self.generator.elements)
        if expression not in classes:
            known = ", ".join(self.expressions)
            raise UsageError(f"the generator does not know {expression!r}", f"one of: {known}")
        y = torch.zeros(count, len(classes), device=self.device)
        y[:, classes.index(expression)] = 1
        z = torch.full((count, self.generator.elements), float(intensity), device=self.device)
        return self.generator.controller(y, z)


def to_pixels(x: Tensor) -> Any:
    """Images in [-1, 1] as ``(B, S, S, 3) uint8``.

    Raises
    ------
    UsageError
        A value is NaN or infinite.
    """
    if not bool(torch.isfinite(x).all()):
        raise UsageError(
            "the generator made an image with NaN or infinite values", "train it again"
        )
    return to_uint8(x).permute(0, 2, 3, 1).cpu().numpy()
