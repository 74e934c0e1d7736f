"""What a demo dataset is made from: the few numbers a user chooses."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

from faceprep.core.errors import UsageError

Layout = Literal["oulu-casia", "ck-plus", "celeba"]

RENDERER_VERSION = 1
"""Raised whenever the same settings would draw other pixels."""

MAX_SUBJECTS = {"oulu-casia": 80, "ck-plus": 500, "celeba": 10177}
"""As many subjects as the real dataset's numbering has room for."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Settings of :func:`faceprep.demo.render_demo`.

    Attributes
    ----------
    layout : the dataset whose folders and annotation files are imitated.
    subjects : number of identities, 1 to :data:`MAX_SUBJECTS`. The first N subjects are the same
        people in every dataset of one seed, difficulty and size.
    frames : frames of each neutral-to-peak sequence (for ``celeba``: photographs of each identity).
    seed : everything random follows from it.
    difficulty : 0 to 1; spread of identity, light and pose, weakness and idiosyncrasy of the
        expressions, camera noise.
    size : side of the square images in pixels, 160 to 1024.
    """

    layout: Layout = "oulu-casia"
    subjects: int = 40
    frames: int = 9
    seed: int = 0
    difficulty: float = 0.5
    size: int = 320

    def __post_init__(self) -> None:
        if self.layout not in get_args(Layout):
            raise UsageError(
                f"unknown demo layout {self.layout!r}", hint="--layout oulu-casia|ck-plus|celeba"
            )
        limit = MAX_SUBJECTS[self.layout]
        _check("subjects", self.subjects, 1, limit)
        _check("frames", self.frames, 1, 200)
        _check("difficulty", self.difficulty, 0.0, 1.0)
        _check("size", self.size, 160, 1024)
        _check("seed", self.seed, 0, 2**63 - 1)

    @classmethod
    def of(cls, config: Any) -> "DemoSettings":
        """Take the fields of the same name from any object (e.g. the pydantic ``DemoConfig``)."""
        if isinstance(config, cls):
            return config
        return cls(**{f.name: getattr(config, f.name) for f in dataclasses.fields(cls)})

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for ``demo.json``."""
        return dataclasses.asdict(self)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(
            f"demo {name} is {value}; it must lie between {low} and {high}",
            hint=f"--{name} {low if value < low else high}",
        )
