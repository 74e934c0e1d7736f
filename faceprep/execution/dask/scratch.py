"""The temporary folder of a Dask cluster on this machine."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator

from faceprep.core.processes import here, is_abandoned

_PREFIX = "faceprep-dask-"


@contextlib.contextmanager
def scratch() -> Iterator[str]:
    """Open a temporary folder, after removing those of killed commands on this machine."""
    of_here = f"@{here()}.tmp"
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            ours = entry.name.startswith(_PREFIX) and entry.name.endswith(of_here)
            if ours and is_abandoned(entry):
                shutil.rmtree(entry.path, ignore_errors=True)
    suffix = f".{os.getpid()}{of_here}"
    with tempfile.TemporaryDirectory(prefix=_PREFIX, suffix=suffix) as folder:
        yield folder
