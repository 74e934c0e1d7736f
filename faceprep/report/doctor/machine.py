"""Check the machine and the output disk."""

import os
import shutil
import tempfile
from pathlib import Path

from faceprep.report.doctor.check import Check

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
