"""Hold the settings of a demo dataset, with the defaults and limits of `DemoConfig`."""

from dataclasses import dataclass
from typing import get_args

from faceprep.config import DemoConfig
from faceprep.core.errors import Again, UsageError
from faceprep.core.vocabulary import Layout

_DEFAULTS = DemoConfig()
_LAYOUTS: tuple[str, ...] = get_args(Layout)

RENDERER_VERSION = 1
"""Version that changes whenever the same settings would give other pixels."""

MAX_SUBJECTS = {"oulu-casia": 80, "ck-plus": 500}
"""Limits of the numbering of subjects in the real datasets."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Hold the settings of :func:`faceprep.demo.render_demo`.

    Attributes
    ----------
    layout
        Dataset whose folders and annotation files are imitated.
    subjects
        Number of identities. The first N subjects are identical in all datasets with the same
        seed, difficulty and size.
    frames
        Number of frames of a neutral-to-peak sequence, or of photographs of an identity in the
        layout ``celeba``. Fewer than `DemoConfig` allows are possible, for quick tests.
    seed
        Seed of all random numbers.
    difficulty
        0 to 1; affects the variation of identity, light and pose, the strength and variation of
        expressions, and camera noise.
    size
        Side of the square images, pixels.
    """

    layout: str = _DEFAULTS.layout
    subjects: int = _DEFAULTS.subjects
    frames: int = _DEFAULTS.frames
    seed: int = _DEFAULTS.seed
    difficulty: float = _DEFAULTS.difficulty
    size: int = _DEFAULTS.size

    def __post_init__(self) -> None:
        if self.layout not in _LAYOUTS:
            raise UsageError(
                f"unknown demo layout {self.layout!r}; there are {', '.join(_LAYOUTS)}",
                "name one of them in demo.layout",
            )
        for name in ("subjects", "frames", "difficulty", "size", "seed"):
            low, high = _limits(name)
            if name == "subjects":
                high = min(high, MAX_SUBJECTS.get(self.layout, high))
            _check(name, getattr(self, name), 1 if name == "frames" else low, high)


def _limits(name: str) -> tuple[float, float]:
    """Return the least and the largest value of a field of `DemoConfig`."""
    limits = DemoConfig.model_fields[name].metadata
    low = next(limit.ge for limit in limits if hasattr(limit, "ge"))
    return low, next((limit.le for limit in limits if hasattr(limit, "le")), 2**63 - 1)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(
            f"demo {name} is {value}; it must lie between {low} and {high}",
            Again({f"demo.{name}": low if value < low else high}),
        )
