"""Define the interface of the estimators of Action Units, and choose the configured one."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from faceprep.config import AusConfig, Config
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
    settings: tuple[str, ...]  # names of the settings of ``[aus]`` that it reads

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


#: Settings that name a tool or its files. `AUTO` takes a backend that reads those that are set.
TOOLS = ("openface_bin", "openface_models", "openface_csv")


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
        return f"{self.backend.name}+{variant}" if variant else self.backend.name


def choose(config: Config) -> Choice:
    """Return the backend that ``config.aus.backend`` names; `AUTO` is the first that can run.

    Raises
    ------
    UsageError
        If there is no backend of that name.
    MissingToolError
        If it cannot run here, or `AUTO` cannot use a tool that the configuration names.
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
    named = [
        name
        for name in TOOLS
        if getattr(config.aus, name) and (name != "openface_csv" or config.aus.landmarks == "csv")
    ]
    for name in AUTO_ORDER:
        if name not in BACKENDS:
            continue
        backend = load_backend(name)
        if named and not {*named} & {*backend.settings}:
            continue
        reason = backend.available(config)
        if reason is None:
            return Choice(backend, "; ".join(passed) or "the best that is installed")
        passed.append(f"{name}: {reason}")
    if named:
        keys = " and ".join(f"aus.{name}={getattr(config.aus, name)}" for name in named)
        raise MissingToolError(
            f"{keys} cannot be used: {'; '.join(passed)}",
            (
                Again({f"aus.{name}": "none" for name in named}, note="does without"),
                Remedy("doctor"),
            ),
        )
    raise MissingToolError(f"no AU backend can run: {'; '.join(passed)}", Remedy("doctor"))


def _other_backend(config: Config) -> Hint:
    """Suggest a backend that can run here."""
    for name in BACKENDS:
        if load_backend(name).available(config) is None:
            return use(name)
    return Remedy("doctor")


def use(name: str, note: str = "") -> Again:
    """Return the command with another backend, without the settings that it does not read."""
    read = ("backend", *load_backend(name).settings)
    idle = {f"aus.{key}": None for key in AusConfig.model_fields if key not in read}
    return Again({**idle, "aus.backend": name}, note=note)
