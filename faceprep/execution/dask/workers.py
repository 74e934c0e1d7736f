"""Jobs on Dask workers, checks that the workers can run them, and their temporary folder."""

import contextlib
import os
import pkgutil
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from faceprep.config import Config
from faceprep.core.errors import FaceprepError, MissingToolError, Shell
from faceprep.core.files import here, is_abandoned
from faceprep.execution.job import Job, Work
from faceprep.execution.shard import versions
from faceprep.workspace import Marker

if TYPE_CHECKING:
    from distributed import Client

INSTALL_THERE = Shell(
    ("pip", "install", "cloudpickle", "dask", "distributed"),
    note="in the Python that `dask worker` runs in",
)
_NAMED = 3  # most workers named in a message
_one_shard = threading.Lock()


def pack(work: Work, job: Job) -> bytes:
    """Return bytes that run a job when a worker unpickles them.

    Dask unpickles messages before it runs a task: a message that refers to a package missing on
    the worker would break the connection repeatedly. With bytes, the task reports the error.
    """
    import cloudpickle

    packed: bytes = cloudpickle.dumps(_Call(work, job))
    return packed


class _Call:
    """A picklable call."""

    def __init__(self, work: Work, job: Job) -> None:
        self.work, self.job = work, job

    def __reduce__(self) -> tuple[Callable[[Work, Job], Marker], tuple[Work, Job]]:
        return run_alone, (self.work, self.job)


def run_alone(work: Work, job: Job) -> Marker:
    """Run a job on one thread, one job at a time in a process; runs in a worker."""
    from threadpoolctl import threadpool_limits

    with _one_shard, threadpool_limits(1):
        return work(job)


def warn(message: str) -> None:
    """Print a warning on stderr."""
    print(f"warning: {message}", file=sys.stderr, flush=True)


def check_cluster(client: "Client", config: Config) -> None:
    """Check that the workers of a cluster can run the jobs.

    `config`: configuration with absolute paths.
    Raises `MissingToolError`: faceprep is not installed where a worker runs.
    Raises `FaceprepError`: a worker does not see the workspace or the dataset.
    """
    if not client.nthreads():
        warn("the cluster has no workers yet; waiting for one (Ctrl-C ends)")
        # A submitted task makes an adaptive cluster start a worker.
        client.submit(pkgutil.resolve_name, "sys:version", pure=False).result()
    _check_installed(client)
    _check_disk(client, config)
    _compare_versions(client)
    several = [address for address, threads in client.nthreads().items() if threads > 1]
    if several:
        warn(
            f"{_list(several)}: several threads, of which shards use one;"
            " start workers with `dask worker --nthreads 1 --nworkers N`"
        )


def _check_installed(client: "Client") -> None:
    name = "faceprep:__version__"  # by name: a missing package cannot be unpickled
    found = client.run(pkgutil.resolve_name, name, on_error="return")
    lacking = [address for address, value in found.items() if isinstance(value, Exception)]
    if lacking:
        raise MissingToolError(f"faceprep cannot be imported on {_list(lacking)}", INSTALL_THERE)


def _check_disk(client: "Client", config: Config) -> None:
    for folder, what in (
        (Path(config.workspace) / "select", "workspace"),
        (config.dataset_root(), "dataset"),
    ):
        seen = client.run(os.path.isdir, str(folder))
        blind = [address for address, there in seen.items() if not there]
        if blind and folder.is_dir():
            raise FaceprepError(
                f"{_list(blind)}: no {what} at {folder}",
                "workers need it at the same path as here: put it on a disk that all share",
            )


def _compare_versions(client: "Client") -> None:
    """Warn about packages whose version differs from the local one."""

    here = versions() | {"distributed": pkgutil.resolve_name("distributed:__version__")}
    found = client.run(versions)
    dask = client.run(pkgutil.resolve_name, "distributed:__version__")
    different: dict[str, list[str]] = {}
    for address, theirs in found.items():
        there = {**theirs, "distributed": dask.get(address)}
        for name in sorted(here.keys() | there.keys()):
            if here.get(name) != there.get(name):
                words = f"{name} {there.get(name, 'missing')} (here {here.get(name, 'missing')})"
                different.setdefault(words, []).append(address)
    for words, addresses in different.items():
        warn(f"{_list(addresses)}: {words}; outputs may differ")


def _list(addresses: list[str]) -> str:
    more = len(addresses) - _NAMED
    named = ", ".join(addresses[:_NAMED])
    return f"{named} and {more} more" if more > 0 else named


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
