"""Reference faces in a generator's file: peak expressions of training subjects.

They define expressions for generators driven by action units or landmarks. The training stage
stores a few in the file, so that it works without its workspace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceprep.core.action_units import INTENSITY_AUS
from faceprep.core.errors import UsageError

#: Key of the reference faces in the `extra` of a generator's file.
REFERENCES = "references"

_SHAPES = {"action_units": (len(INTENSITY_AUS),), "landmarks": (68, 2)}


@dataclass(frozen=True)
class References:
    """Reference faces by expression.

    Attributes
    ----------
    action_units
        Expression → ``(n, 17)`` intensities in [0, 5].
    landmarks
        Expression → ``(n, 68, 2)`` displacements from the neutral face of the same subject, in
        sides of the crop.
    """

    action_units: Mapping[str, np.ndarray] = field(default_factory=dict)
    landmarks: Mapping[str, np.ndarray] = field(default_factory=dict)


def references_of(extra: Mapping[str, Any]) -> References:
    """Read the reference faces in the `extra` of a generator's file; empty without any.

    Raises
    ------
    UsageError
        They are malformed.
    """
    try:
        stored = extra.get(REFERENCES, {})
        return References(
            **{
                name: {str(key): _array(one, shape) for key, one in stored.get(name, {}).items()}
                for name, shape in _SHAPES.items()
            }
        )
    except (AttributeError, TypeError, ValueError):
        raise UsageError("the generator's reference faces cannot be read") from None


def _array(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values, np.float32)
    if array.shape[1:] != shape or not len(array) or not np.isfinite(array).all():
        raise ValueError(f"expected (n, {', '.join(map(str, shape))}) finite numbers")
    return array
