"""Choose the estimator of Action Units that the configuration names.

``auto`` takes the first backend of `AUTO_ORDER` that can run.
"""

from dataclasses import dataclass
from importlib import import_module

from faceprep.config import Config
from faceprep.core.errors import MissingToolError, Remedy, UsageError
from faceprep.faces.action_units.backend import Backend

AUTO = "auto"

#: Name → ``module:class``, imported when first needed. One line per backend.
BACKENDS: dict[str, str] = {
    "openface-models": "faceprep.faces.action_units.openface.models.backend:ModelsBackend",
    "openface": "faceprep.faces.action_units.openface.programs.backend:ProgramBackend",
    "openface-csv": "faceprep.faces.action_units.openface.csv.backend:CsvBackend",
    "landmarks": "faceprep.faces.action_units.landmark_backend:LandmarkBackend",
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
    """Return the backend that ``config.aus.backend`` names.

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


def _other_backend(config: Config) -> str | Remedy:
    """Suggest a backend that can run here."""
    for name in BACKENDS:
        if load_backend(name).available(config) is None:
            return f"--set aus.backend={name}"
    return Remedy("doctor")
