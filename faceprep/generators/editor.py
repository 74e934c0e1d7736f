"""Edit crops with a trained generator of any kind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from faceprep.core.errors import UsageError
from faceprep.core.pixels import image_tensor, to_uint8
from faceprep.generators.base import Edited, Generator, MakesNewFaces, Target
from faceprep.generators.registry import require
from faceprep.generators.targets import Measurements, References, TargetMaker

_BATCH = 64


#: Key of the maps in the `extra` of a generator's file.
CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True)
class IntensityMap:
    """Map from the requested intensity to the input of the generator."""

    #: Requested intensities and inputs at the knots of a piecewise linear map, both rising from 0
    #: to 1.
    asked: tuple[float, ...] = (0.0, 1.0)
    told: tuple[float, ...] = (0.0, 1.0)

    def __post_init__(self) -> None:
        for knots in (self.asked, self.told):
            values = np.asarray(knots, np.float64)
            if (
                len(values) != len(self.asked)
                or len(values) < 2
                or not np.isfinite(values).all()
                or (values[0], values[-1]) != (0, 1)
                or (np.diff(values) < 0).any()
            ):
                raise UsageError("a calibration of the intensity does not rise from 0 to 1")

    def __call__(self, intensity: float) -> float:
        """Return the input of the generator in [0, 1], non-decreasing in the intensity."""
        return float(np.interp(intensity, self.asked, self.told))

    def to_json(self) -> dict[str, list[float]]:
        """Return JSON-ready values."""
        return {"asked": list(self.asked), "told": list(self.told)}


def calibration_of(extra: Mapping[str, Any]) -> dict[str, IntensityMap]:
    """Return the maps in the `extra` of a generator's file by expression; empty without any.

    Raises
    ------
    UsageError
        The maps are malformed.
    """
    try:
        return {
            str(name): IntensityMap(
                tuple(float(v) for v in one["asked"]), tuple(float(v) for v in one["told"])
            )
            for name, one in extra.get(CALIBRATION, {}).items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UsageError("the generator's calibration of the intensity cannot be read") from None


class Editor:
    """Edit crops ``(N, S, S, 3) uint8`` RGB with a generator.

    Parameters
    ----------
    generator
        Generator in eval mode, on `device`.
    calibration
        Expression → map of the intensity; the identity for other expressions.
    """

    def __init__(
        self,
        generator: Generator,
        calibration: Mapping[str, IntensityMap] | None = None,
        device: torch.device | str = "cpu",
        references: References | None = None,
    ) -> None:
        self.generator = generator
        self.calibration = dict(calibration or {})
        self.device = torch.device(device)
        self.targets = TargetMaker(generator, references)

    @property
    def expressions(self) -> tuple[str, ...]:
        """Supported expressions: the classes and neutral."""
        return self.targets.expressions

    def edit(
        self,
        images: np.ndarray,
        expression: str,
        intensity: float = 1.0,
        sources: Measurements | None = None,
    ) -> np.ndarray:
        """Edit faces to an expression.

        Parameters
        ----------
        images
            ``(N, S, S, 3) uint8``.
        expression
            One of `expressions`.
        intensity
            Intensity in [0, 1], before the calibration.
        sources
            Measurements of the faces, if the kind is driven by them.

        Raises
        ------
        UsageError
            The expression is unknown, or measurements are missing.
        """
        return self.apply(images, self.target(expression, intensity, len(images), sources))

    def apply(self, images: np.ndarray, target: Target) -> np.ndarray:
        """Edit N faces towards a target of N faces."""
        made = [to_pixels(edited.images) for edited in self._batches(images, target)]
        return np.concatenate(made) if made else images[:0]

    def apply_with_parts(
        self, images: np.ndarray, target: Target
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Edit N > 0 faces as `apply` does, and return also the parts of the edits by name.

        Parts are ``(N, C, S, S) float32``, see `faceprep.generators.base.Edited`; a kind may have
        none.
        """
        made = list(self._batches(images, target))
        parts = {
            name: torch.cat([edited.parts[name] for edited in made]).float().cpu().numpy()
            for name in made[0].parts
        }
        return np.concatenate([to_pixels(edited.images) for edited in made]), parts

    def _batches(self, images: np.ndarray, target: Target) -> Iterator[Edited]:
        for start in range(0, len(images), _BATCH):
            x = image_tensor(images[start : start + _BATCH], self.device)
            with torch.no_grad():
                some = target.rows(start, start + _BATCH).to(self.device)
                edited = self.generator.edit(x, some)
            yield edited

    def new_faces(self, count: int, expression: str, seed: int = 0) -> np.ndarray:
        """Generate faces without a source; equal seeds give equal identities.

        Raises
        ------
        UsageError
            The kind needs a source face, or the expression is unknown.
        """
        generator = require(self.generator, MakesNewFaces, "generate faces without a source")
        random = torch.Generator().manual_seed(seed)
        uniform = torch.rand(count, generator.identity, generator=random) * 2 - 1
        target = self.target(expression, 1.0, count, None)
        parts = []
        with torch.no_grad():
            for start in range(0, count, _BATCH):
                some = target.rows(start, start + _BATCH).to(self.device)
                u = uniform[start : start + _BATCH]
                parts.append(to_pixels(generator.new_faces(u, some).images))
        return np.concatenate(parts)

    def target(
        self, expression: str, intensity: float, count: int, sources: Measurements | None
    ) -> Target:
        """Make the target of `count` faces; parameters and errors as for `edit`."""
        if expression in self.calibration:
            intensity = self.calibration[expression](intensity)
        return self.targets.make([expression] * count, np.full(count, intensity), sources=sources)


def to_pixels(x: Tensor) -> Any:
    """Convert images in [-1, 1] to ``(B, S, S, 3) uint8``.

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
