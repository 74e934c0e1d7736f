"""Check Python, the packages, OpenCV, torch, the engines, the machine and the output disk."""

import os
import platform
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from faceprep import __version__
from faceprep.core.disk import free_space, refuse_unwritable, size_text
from faceprep.core.errors import FaceprepError, Shell
from faceprep.report.doctor.check import Check, is_installed, not_installed, version_of

OLDEST_PYTHON = (3, 11)

#: Required packages: module → name on the package index.
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
_OPENCV = ("opencv-python-headless", "opencv-contrib-python-headless", "opencv-python")


def python() -> list[Check]:
    """Check the version of Python."""
    version = platform.python_version()
    here = f"{version}, faceprep {__version__}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return [Check("Python", "missing", f"{here}; {oldest} or newer is needed")]
    return [Check("Python", "ok", here)]


def packages() -> list[Check]:
    """Check the packages that every run needs."""
    there = [
        f"{name} {version_of(name)}" for module, name in PACKAGES.items() if is_installed(module)
    ]
    missing = [name for module, name in PACKAGES.items() if not is_installed(module)]
    checks = [Check("packages", "ok", ", ".join(there))] if there else []
    return checks + [not_installed(name) for name in missing]


def opencv() -> list[Check]:
    """Check that there is one build of OpenCV."""
    if not is_installed("cv2"):
        return [not_installed("opencv-python-headless", "OpenCV")]
    found = [f"{name} {version_of(name)}" for name in _OPENCV if version_of(name) != "?"]
    if len(found) > 1:
        # They overwrite each other's files, so the imported build is unpredictable.
        remove = Shell(("pip", "uninstall", "-y", *_OPENCV))
        fix = (remove, Shell(("pip", "install", _OPENCV[0])))
        return [Check("OpenCV", "warning", f"two builds: {', '.join(found)}", fix)]
    return [Check("OpenCV", "ok", found[0] if found else "there, version unknown")]


def torch() -> list[Check]:
    """Check torch; import it only if it was built for a GPU."""
    if not is_installed("torch"):
        return [not_installed("torch", "torch, for the mtcnn detector")]
    version = f"torch {version_of('torch')}"
    if not built_for_gpu():
        return [Check("GPU", "ok", f"{version}, CPU only", needed=False)]
    from torch import cuda

    if not cuda.is_available():
        return [Check("GPU", "ok", f"{version}, built for CUDA but no GPU seen: CPU", needed=False)]
    names = [cuda.get_device_name(i) for i in range(cuda.device_count())]
    return [Check("GPU", "ok", f"{version}, {', '.join(names)}", needed=False)]


def built_for_gpu() -> bool:
    """Read from torch's version file whether it was built for a GPU; an import takes seconds."""
    spec = find_spec("torch")
    folders = spec.submodule_search_locations if spec else None
    try:
        text = Path(next(iter(folders or [])), "version.py").read_text()
    except (OSError, StopIteration):
        return True
    return re.search(r"^(cuda|hip)\b[^=\n]*=\s*['\"]", text, re.MULTILINE) is not None


def engines() -> list[Check]:
    """Check the packages of every engine."""
    if not is_installed("loky"):
        return [not_installed("loky", "engine local")]
    checks = [Check("engine local", "ok", f"loky {version_of('loky')}")]
    sbatch = shutil.which("sbatch")
    if sbatch:
        checks.append(Check("engine slurm", "ok", sbatch, needed=False))
    else:
        advice = "run faceprep on a machine that can submit to Slurm (sbatch, squeue, scontrol)"
        checks.append(Check("engine slurm", "missing", "no sbatch here", advice, needed=False))
    if is_installed("distributed"):
        detail = f"distributed {version_of('distributed')}"
        checks.append(Check("engine dask", "ok", detail, needed=False))
    else:
        hint = Shell(("pip", "install", "cloudpickle", "dask", "distributed"))
        checks.append(Check("engine dask", "missing", "no distributed", hint, needed=False))
    return checks


def video() -> list[Check]:
    """Check the package that `reenact` needs for videos."""
    if is_installed("av"):
        return [Check("video", "ok", f"av {version_of('av')}", needed=False)]
    hint = Shell(("pip", "install", "av"))
    return [
        Check("video", "missing", "no av: reenact reads folders, writes GIF", hint, needed=False)
    ]


_LITTLE_DISK = 2e9  # bytes; a thousand faces take some 30 MB


def machine() -> list[Check]:
    """Report the number of cores and the memory."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    detail = f"{cores} core{'s' if cores > 1 else ''}"
    import psutil

    memory = psutil.virtual_memory()
    detail += f", {memory.total / 2**30:.1f} GiB memory, {memory.available / 2**30:.1f} free"
    return [Check("machine", "ok", detail, needed=False)]


def disk(place: Path) -> list[Check]:
    """Check that the folder is writable, and its free space."""
    free = free_space(place)
    detail = f"{place}: {size_text(free)} free"
    try:
        refuse_unwritable(place)
    except FaceprepError as error:
        reason = f"{detail}; {error.message}"
        return [Check("workspace", "missing", reason, "choose another with --workspace")]
    if free < _LITTLE_DISK:
        return [
            Check("workspace", "warning", f"{detail}: little", "choose another with --workspace")
        ]
    return [Check("workspace", "ok", f"{detail}, writable")]
