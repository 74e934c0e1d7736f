"""``faceprep doctor``: what is installed, what the machine has, and what to type for the rest.

Nothing heavy is imported: packages are looked for, not loaded, and torch is asked only when it was
built for a GPU.
"""

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from faceprep import __version__
from faceprep.config import Config
from faceprep.core.errors import Hint, MissingToolError
from faceprep.faces.model_files import dlib_model, mtcnn_weights

if TYPE_CHECKING:
    from rich.console import RenderableType

OLDEST_PYTHON = (3, 11)
ALL_THERE, SOMETHING_MISSING = 0, MissingToolError.exit_code

#: Module → name on the package index, of what every run needs.
PACKAGES = {
    "numpy": "numpy",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "pydantic": "pydantic",
    "PIL": "pillow",
    "lz4": "lz4",
    "psutil": "psutil",
    "rich": "rich",
    "typer": "typer",
}
#: What to type for each AU backend that cannot run.
AU_BACKENDS = {
    "openface": "build it (https://github.com/TadasBaltrusaitis/OpenFace/wiki), then --set"
    " aus.openface_bin=FOLDER (or FACEPREP_OPENFACE=FOLDER); or a container: --set"
    " 'aus.openface_bin=docker run --rm --init -v {folder}:{folder} IMAGE {tool}'",
    "openface-models": "copy lib/local/FaceAnalyser/AU_predictors from an OpenFace checkout, then"
    " --set aus.openface_models=FOLDER",
    "openface-csv": "--set aus.backend=openface-csv --set aus.openface_csv=FOLDER",
}
_LITTLE_DISK = 2e9  # bytes; a thousand faces take some 30 MB
_OPENCV = ("opencv-python-headless", "opencv-contrib-python-headless", "opencv-python")


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes
    ----------
    name
        What was looked for.
    state
        ``ok``, ``warning`` (works, but) or ``missing``.
    detail
        What was found.
    hint
        What to type when it is not ``ok``.
    needed
        Whether the pipeline's defaults cannot run without it.
    """

    name: str
    state: Literal["ok", "warning", "missing"]
    detail: str
    hint: Hint | None = None
    needed: bool = True


def doctor(workspace: Path | None = None, config: Config | None = None) -> list[Check]:
    """Look at everything; never raises.

    Parameters
    ----------
    workspace
        Where results will go; ``manifests/`` when not given. It need not exist.
    config
        Says where OpenFace is; what a run here would take when not given.
    """
    place = Path("manifests") if workspace is None else workspace
    checks: list[Callable[[], list[Check]]] = [
        _python,
        _packages,
        _opencv,
        _torch,
        _mtcnn,
        _dlib,
        _given,
        partial(_action_units, config),
        _engines,
        _machine,
        lambda: _disk(place),
    ]
    return [check for look in checks for check in _safely(look)]


def exit_code(checks: Sequence[Check]) -> int:
    """0 when everything needed is there, 5 otherwise."""
    missing = any(check.needed and check.state == "missing" for check in checks)
    return SOMETHING_MISSING if missing else ALL_THERE


def doctor_tables(
    checks: Sequence[Check],
) -> "tuple[list[RenderableType], dict[str, Any]]":
    """Return what to print, and the same as JSON-ready values."""
    from rich.markup import escape
    from rich.text import Text

    from faceprep.report.tables import plain_table

    style = {"ok": "green", "warning": "yellow", "missing": "red"}
    table = plain_table(None, "", "what", "found, and what to type for the rest")
    table.columns[-1].overflow = "fold"  # what is to be typed must not be cut
    for check in checks:
        optional = check.state == "missing" and not check.needed
        word = "optional" if optional else check.state
        hint = f"\n[bold]→ {escape(str(check.hint))}[/]" if check.hint else ""
        table.add_row(
            f"[{'dim' if optional else style[check.state]}]{word}[/]",
            check.name,
            escape(check.detail) + hint,
        )
    code = exit_code(checks)
    end = "everything needed is there" if code == ALL_THERE else "something needed is missing"
    data = {"exit_code": code, "checks": [asdict(check) for check in checks]}
    return [table, Text(end, "green" if code == ALL_THERE else "red")], data


def _safely(look: Callable[[], list[Check]]) -> list[Check]:
    """A broken installation must not break the tool that looks for it."""
    try:
        return look()
    except Exception as error:
        name = getattr(getattr(look, "func", look), "__name__", "check").strip("_<>")
        return [Check(name, "missing", f"{type(error).__name__}: {error}")]


def _python() -> list[Check]:
    version = platform.python_version()
    here = f"{version}, faceprep {__version__}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return [Check("Python", "missing", f"{here}; {oldest} or newer is needed")]
    return [Check("Python", "ok", here)]


def _packages() -> list[Check]:
    there = [f"{name} {_version(name)}" for module, name in PACKAGES.items() if _has(module)]
    missing = [name for module, name in PACKAGES.items() if not _has(module)]
    checks = [Check("packages", "ok", ", ".join(there))] if there else []
    return checks + [_absent(name) for name in missing]


def _opencv() -> list[Check]:
    if not _has("cv2"):
        return [_absent("opencv-python-headless", "OpenCV")]
    found = [f"{name} {_version(name)}" for name in _OPENCV if _version(name) != "?"]
    if len(found) > 1:
        # They overwrite each other's files; which one is imported is a matter of luck.
        fix = f"pip uninstall -y {' '.join(_OPENCV)} && pip install {_OPENCV[0]}"
        return [Check("OpenCV", "warning", f"two builds: {', '.join(found)}", fix)]
    return [Check("OpenCV", "ok", found[0] if found else "there, version unknown")]


def _torch() -> list[Check]:
    if not _has("torch"):
        return [_absent("torch", "torch, for the mtcnn detector")]
    version = f"torch {_version('torch')}"
    if not _built_for_gpu():
        return [Check("GPU", "ok", f"{version}, CPU only", needed=False)]
    import torch

    if not torch.cuda.is_available():
        return [Check("GPU", "ok", f"{version}, built for CUDA but no GPU seen: CPU", needed=False)]
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return [Check("GPU", "ok", f"{version}, {', '.join(names)}", needed=False)]


def _built_for_gpu() -> bool:
    """Read torch's own note on how it was built; importing it takes seconds."""
    spec = find_spec("torch")
    folders = spec.submodule_search_locations if spec else None
    try:
        text = Path(next(iter(folders or [])), "version.py").read_text()
    except (OSError, StopIteration):
        return True
    return re.search(r"^(cuda|hip)\b[^=\n]*=\s*['\"]", text, re.MULTILINE) is not None


def _mtcnn() -> list[Check]:
    try:
        files = [mtcnn_weights(name) for name in ("pnet", "rnet", "onet")]
    except MissingToolError as error:
        return [Check("detector mtcnn", "missing", error.message, error.hint)]
    size = sum(file.stat().st_size for file in files) / 1e6
    return [Check("detector mtcnn", "ok", f"weights of mtcnn {_version('mtcnn')}, {size:.1f} MB")]


def _dlib() -> list[Check]:
    checks = []
    if _has("dlib"):
        version = _version("dlib-bin") if _version("dlib-bin") != "?" else _version("dlib")
        checks.append(Check("detector dlib", "ok", f"dlib {version}, HOG frontal faces"))
    else:
        checks.append(_absent("dlib-bin", "detector dlib, and the 68 landmarks"))
    for name, file, needed in (
        ("68 landmarks", "shape_predictor_68_face_landmarks", True),
        ("detector dlib, cnn", "mmod_human_face_detector", False),
    ):
        try:
            size = dlib_model(file).stat().st_size / 1e6
            checks.append(Check(name, "ok", f"{file}.dat, {size:.0f} MB", needed=needed))
        except MissingToolError as error:
            checks.append(Check(name, "missing", error.message, error.hint, needed))
    return checks


def _given() -> list[Check]:
    return [Check("detector given", "ok", "landmarks of the dataset itself", needed=False)]


def _action_units(config: Config | None) -> list[Check]:
    """List every AU backend, and which of them ``auto`` comes to."""
    from faceprep.config.sources import resolve
    from faceprep.faces.action_units.registry import AUTO, BACKENDS, choose

    config = resolve().config if config is None else config
    wanted = config.aus.backend
    checks = [check for name in BACKENDS for check in _safely(partial(_au_backend, name, config))]
    if wanted == AUTO:
        choice = choose(config)
        return [*checks, Check(f"AUs, {AUTO}", "ok", choice.backend.name, needed=False)]
    return checks


def _au_backend(name: str, config: Config) -> list[Check]:
    from faceprep.faces.action_units.registry import load_backend

    check = f"AUs, {name}"
    needed = config.aus.backend == name
    reason = load_backend(name).available(config)
    if reason is None:
        return [Check(check, "ok", "can run", needed=needed)]
    hint = None if "--set" in reason else AU_BACKENDS.get(name)
    return [Check(check, "missing", reason, hint, needed)]


def _engines() -> list[Check]:
    if not _has("joblib"):
        return [_absent("joblib", "engine local")]
    checks = [Check("engine local", "ok", f"joblib {_version('joblib')}")]
    for engine, package in (("slurm", "submitit"), ("dask", "distributed")):
        name = f"engine {engine}"
        if _has(package):
            here = "" if engine == "dask" or shutil.which("sbatch") else ", but no sbatch here"
            checks.append(Check(name, "ok", f"{package} {_version(package)}{here}", needed=False))
        else:
            hint = f"pip install 'faceprep[{engine}]'"
            checks.append(Check(name, "missing", f"no {package}", hint, needed=False))
    return checks


def _machine() -> list[Check]:
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    detail = f"{cores} core{'s' if cores > 1 else ''}"
    if _has("psutil"):
        import psutil

        memory = psutil.virtual_memory()
        detail += f", {memory.total / 2**30:.1f} GiB memory, {memory.available / 2**30:.1f} free"
    return [Check("machine", "ok", detail, needed=False)]


def _disk(place: Path) -> list[Check]:
    folder = place.absolute()
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    detail = f"{place}: {free / 1e9:.1f} GB free"
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = f"{detail}, cannot write there: {error.strerror}"
        return [Check("workspace", "missing", reason, "choose another place with --workspace DIR")]
    if free < _LITTLE_DISK:
        return [Check("workspace", "warning", f"{detail}: little", "--workspace DIR elsewhere")]
    return [Check("workspace", "ok", f"{detail}, writable")]


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "?"


def _absent(distribution: str, name: str | None = None) -> Check:
    return Check(name or distribution, "missing", "not installed", f"pip install {distribution}")
