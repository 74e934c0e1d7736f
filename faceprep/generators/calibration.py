"""Monotonic map from the requested intensity to the generator's input, stored with a generator."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from faceprep.core.errors import UsageError

#: Key of the maps in the `extra` of a generator's file.
CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True)
class IntensityMap:
    """Map from the requested intensity to the input of the generator.

    Attributes
    ----------
    asked, told
        Requested intensities and inputs at the knots of a piecewise linear map, both rising from
        0 to 1.
    """

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
