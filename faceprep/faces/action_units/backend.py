"""Define the interface between the aus stage and the estimators of Action Units."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from faceprep.config import Config


@dataclass(frozen=True, slots=True)
class FaceInput:
    """Hold one aligned face with all inputs that a backend may need.

    Attributes
    ----------
    landmarks68
        ``(68, 2)`` crop pixels, NaN where a point is missing.
    neutral68
        ``(68, 2)`` crop pixels, mean over the neutral frames of the same sequence; ``None``
        without neutral frames.
    select, align
        Rows of the face in these manifests.
    """

    landmarks68: np.ndarray
    neutral68: np.ndarray | None
    select: dict[str, Any]
    align: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AUResult:
    """Estimates for one face, or the reason of a failure.

    Attributes
    ----------
    intensities
        ``(17,)``, 0–5, in the order of `INTENSITY_AUS`.
    presences
        ``(18,) bool`` in the order of `PRESENCE_AUS`.
    confidence
        0–1, on the scale of the backend; ``None`` without a confidence.
    variant
        Method that the backend used (``"neutral"``: comparison with the neutral frame).
    reason
        Reason of a failure; ``None`` with estimates.
    """

    intensities: np.ndarray | None = None
    presences: np.ndarray | None = None
    confidence: float | None = None
    variant: str | None = None
    reason: str | None = None


class Backend(Protocol):
    """Estimate the AUs of faces."""

    name: str

    def available(self, config: Config) -> str | None:
        """Return why the backend cannot run here, or ``None`` if it can."""
        ...

    def fingerprint(self, config: Config) -> dict[str, Any]:
        """Return every input that affects the estimates besides the faces, as JSON values.

        These are settings and versions or hashes of programs and files, but no locations. The
        method is called several times in a process, so slow parts are cached.
        """
        ...

    def run(self, faces: Sequence[FaceInput], config: Config, scratch: Path) -> list[AUResult]:
        """Return one result per face, in order; a failure is a result with a reason.

        `scratch` is an empty folder for temporary files, which is removed afterwards.
        """
        ...
