"""Who estimates Action Units: the seam between the aus stage and the estimators.

A backend takes the faces of one shard and answers for each. `BACKENDS` says where each one is;
``auto`` takes the first of `AUTO_ORDER` that is available.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from faceprep.config import Config
from faceprep.core.errors import MissingToolError, UsageError

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

    def fingerprint(self, config: Config) -> dict[str, Any]:
        """Return all that decides its answers besides the faces, JSON-ready.

        The settings that it reads, versions or hashes of programs and files; no locations. Asked
        for more than once a process, so it remembers what takes long.
        """
        ...

    def run(self, faces: Sequence[FaceInput], config: Config, scratch: Path) -> list[AUResult]:
        """Return one result per face, in order. A face that fails is a result with a reason.

        `scratch` is an empty folder for files of its own, thrown away afterwards.
        """
        ...


#: Name → ``module:class``, imported when first asked for.
BACKENDS: dict[str, str] = {
    "openface-models": "faceprep.faces.action_units.openface.models.backend:ModelsBackend",
    "openface": "faceprep.faces.action_units.openface.programs.backend:ProgramBackend",
    "openface-csv": "faceprep.faces.action_units.openface.csv.backend:CsvBackend",
    "landmarks": "faceprep.faces.action_units.landmark_backend:LandmarkBackend",
}

#: What ``auto`` tries, the most trustworthy first. ``openface-csv`` must be asked for: files that
#: happen to lie somewhere are no wish.
AUTO_ORDER = ("openface", "openface-models", "landmarks")


def load_backend(name: str) -> Backend:
    """Make the backend of a name of `BACKENDS`."""
    module, _, attribute = BACKENDS[name].partition(":")
    backend: Backend = getattr(import_module(module), attribute)()
    return backend


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
    backend = load_backend(wanted)
    if reason := backend.available(config):
        raise MissingToolError(f"AU backend {wanted} cannot run: {reason}", _other_backend(config))
    return Choice(backend)


def _first_available(config: Config) -> Choice:
    passed: list[str] = []
    for name in AUTO_ORDER:
        if name not in BACKENDS:
            continue
        backend = load_backend(name)
        reason = backend.available(config)
        if reason is None:
            return Choice(backend, "; ".join(passed) or "the best that is installed")
        passed.append(f"{name}: {reason}")
    raise MissingToolError(f"no AU backend can run: {'; '.join(passed)}", "faceprep doctor")


def _other_backend(config: Config) -> str:
    for name in BACKENDS:
        if load_backend(name).available(config) is None:
            return f"--set aus.backend={name}"
    return "faceprep doctor"
