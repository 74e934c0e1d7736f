"""Who estimates Action Units: the seam between the aus stage and the estimators.

A backend takes the faces of one shard and answers for each. `BACKENDS` holds one maker per name,
best first: ``auto`` takes the first that is available.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from faceprep.config import Config
from faceprep.errors import MissingToolError, UsageError
from faceprep.faces.action_units.landmark_estimator import estimate

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class FaceInput:
    """One aligned face, as much of it as any backend may want.

    Attributes
    ----------
    landmarks68
        ``(68, 2)`` crop pixels, NaN where a point is missing.
    neutral68
        ``(68, 2)`` crop pixels: mean over the neutral frames of the same sequence; ``None``
        where it has none.
    select, align
        The face's rows in those manifests.
    """

    landmarks68: np.ndarray
    neutral68: np.ndarray | None
    select: dict[str, Any]
    align: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AUResult:
    """What a backend says about one face: estimates, or the reason why there are none.

    Attributes
    ----------
    intensities
        ``(17,)``, 0–5, in the order of `INTENSITY_AUS`.
    presences
        ``(18,) bool`` in the order of `PRESENCE_AUS`.
    confidence
        0–1, on the backend's own scale; ``None`` where it has none.
    variant
        Which of its ways the backend went (``"neutral"``: compared with the neutral frame).
    reason
        Why there are no estimates; ``None`` where there are.
    """

    intensities: np.ndarray | None = None
    presences: np.ndarray | None = None
    confidence: float | None = None
    variant: str | None = None
    reason: str | None = None


class Backend(Protocol):
    """Estimates the AUs of faces."""

    name: str

    def available(self, config: Config) -> str | None:
        """Return why the backend cannot run here, or ``None`` when it can."""
        ...

    def run(self, faces: Sequence[FaceInput], config: Config) -> list[AUResult]:
        """Return one result per face, in order. A face that fails is a result with a reason."""
        ...


class LandmarkBackend:
    """The estimator of this package: geometry of the 68 points, needs nothing else."""

    name = "landmarks"

    def available(self, config: Config) -> str | None:
        """Return ``None``: it always is."""
        return None

    def run(self, faces: Sequence[FaceInput], config: Config) -> list[AUResult]:
        """Estimate all faces at once, against the neutral frame where there is one."""
        if not faces:
            return []
        nothing = np.full((68, 2), np.nan)
        found = estimate(
            np.stack([face.landmarks68 for face in faces]),
            np.stack([nothing if face.neutral68 is None else face.neutral68 for face in faces]),
        )
        results = []
        for face, intensities, presences, confidence in zip(faces, *found, strict=True):
            if np.isnan(intensities).any():
                results.append(AUResult(reason="68 landmarks are missing or all in one place"))
                continue
            compared = face.neutral68 is not None and bool(np.isfinite(face.neutral68).all())
            variant = "neutral" if compared else None
            results.append(AUResult(intensities, presences, float(confidence), variant))
        return results


#: Name → maker, the most trustworthy first.
BACKENDS: dict[str, Callable[[], Backend]] = {"landmarks": LandmarkBackend}


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend, and why it was ``auto``'s choice (empty when the user named it)."""

    backend: Backend
    why: str = ""

    def label(self, variant: str | None = None) -> str:
        """What the manifest's ``backend`` column says."""
        name = f"{self.backend.name}+{variant}" if variant else self.backend.name
        return f"{name} ({AUTO}: {self.why})" if self.why else name


def choose(config: Config) -> Choice:
    """Return the backend that ``config.aus.backend`` asks for.

    Raises
    ------
    UsageError
        When there is no backend of that name.
    MissingToolError
        When it is there but cannot run here.
    """
    wanted: str = config.aus.backend
    if wanted == AUTO:
        return _first_available(config)
    if wanted not in BACKENDS:
        raise UsageError(
            f"no AU backend {wanted!r}", f"aus.backend is one of: {', '.join((AUTO, *BACKENDS))}"
        )
    backend = BACKENDS[wanted]()
    if reason := backend.available(config):
        raise MissingToolError(f"AU backend {wanted} cannot run: {reason}", _other_backend(config))
    return Choice(backend)


def _first_available(config: Config) -> Choice:
    passed: list[str] = []
    for name, make in BACKENDS.items():
        backend = make()
        reason = backend.available(config)
        if reason is None:
            return Choice(backend, "; ".join(passed) or "the best that is installed")
        passed.append(f"{name}: {reason}")
    raise MissingToolError(f"no AU backend can run: {'; '.join(passed)}", "faceprep doctor")


def _other_backend(config: Config) -> str:
    for name, make in BACKENDS.items():
        if make().available(config) is None:
            return f"--set aus.backend={name}"
    return "faceprep doctor"
