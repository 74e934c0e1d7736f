"""Define the interface of the estimators of Action Units, and choose the configured one."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from faceprep.config import Config
from faceprep.core.errors import Again, Hint, MissingToolError, Remedy, UsageError


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


AUTO = "auto"

#: Name → ``module:class``, imported when first needed. One line per backend.
BACKENDS: dict[str, str] = {
    "openface-models": "faceprep.faces.action_units.openface.models.backend:ModelsBackend",
    "openface": "faceprep.faces.action_units.openface.programs.backend:ProgramBackend",
    "openface-csv": "faceprep.faces.action_units.openface.csv.backend:CsvBackend",
    "landmarks": "faceprep.faces.action_units.landmark_estimator:LandmarkBackend",
}

#: Backends that ``auto`` tries, the most accurate first. ``openface-csv`` must be requested by
#: name: the presence of CSV files does not mean that the user wants them.
AUTO_ORDER = ("openface", "openface-models", "landmarks")


def load_backend(name: str) -> Backend:
    """Create the backend with a name of `BACKENDS`."""
    module, _, attribute = BACKENDS[name].partition(":")
    backend: Backend = getattr(import_module(module), attribute)()
    return backend


@dataclass(frozen=True, slots=True)
class Choice:
    """Hold a backend and why ``auto`` chose it (empty if the user named it)."""

    backend: Backend
    why: str = ""

    def label(self, variant: str | None = None) -> str:
        """Return the value of the manifest's ``backend`` column."""
        name = f"{self.backend.name}+{variant}" if variant else self.backend.name
        return f"{name} ({AUTO}: {self.why})" if self.why else name


def choose(config: Config) -> Choice:
    """Return the backend that ``config.aus.backend`` names; `AUTO` is the first that can run.

    Raises
    ------
    UsageError
        If there is no backend of that name.
    MissingToolError
        If it cannot run here.
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
    raise MissingToolError(f"no AU backend can run: {'; '.join(passed)}", Remedy("doctor"))


def _other_backend(config: Config) -> Hint:
    """Suggest a backend that can run here."""
    for name in BACKENDS:
        if load_backend(name).available(config) is None:
            return Again({"aus.backend": name})
    return Remedy("doctor")
