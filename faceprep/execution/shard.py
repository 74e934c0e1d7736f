"""Make one shard, in the process of any engine.

Read the upstream rows, process them in a temporary folder, and commit rows and images together;
until then the old shard is unchanged. Every worker has one computing thread, so that sums do not
depend on the number of workers.
"""

import errno
import os
import sys
import time
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import cast

from faceprep import __version__
from faceprep.core.errors import Again, FaceprepError, ManifestError
from faceprep.core.files import write_failure
from faceprep.execution.job import Job
from faceprep.execution.stage import ShardOutput, Stage
from faceprep.workspace import Marker, Workspace
from faceprep.workspace.manifest import Row, table_from_rows
from faceprep.workspace.pending import PendingShard, pending_shard, wait_for_others

#: Packages whose version can change a pixel or a number.
_VERSIONED = ("numpy", "opencv-python-headless", "pillow", "torch", "dlib-bin", "mtcnn", "pyarrow")
_FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE)


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python, of faceprep, and of packages that affect its results."""
    found = {"python": sys.version.split()[0], "faceprep": __version__}
    for package in _VERSIONED:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def run_shard(job: Job) -> Marker:
    """Make one shard; runs in a worker. Any exception means that the shard failed."""
    one_thread()
    workspace = Workspace(job.config.workspace)
    stage, name = cast(Stage, job.stage), job.stage.name
    started = time.monotonic()
    if wait_for_others(workspace, name, job.shard) and job.is_done(workspace):
        return cast(Marker, workspace.marker(name, job.shard))
    inputs = {up: workspace.read(up, job.shard).to_pylist() for up in stage.upstream}
    _check_order(inputs, job.shard)
    count = len(next(iter(inputs.values())))
    kept = _kept_rows(job, workspace, count) if job.keep_ok else {}
    todo = [k for k in range(count) if k not in kept]
    try:
        with pending_shard(workspace, name, job.shard) as pending:
            out = ShardOutput(
                pending.images,
                workspace.images_prefix(name, job.shard),
                pending.folder / "progress",
            )
            made = dict(zip(todo, stage.process(inputs, todo, job.config, out), strict=True))
            for row in kept.values():
                _keep_images(row, pending)
            return _commit(job, pending, [kept.get(k) or made[k] for k in range(count)], started)
    except OSError as error:
        raise explain_os_error(error, workspace) from error


def _kept_rows(job: Job, workspace: Workspace, count: int) -> dict[int, Row]:
    rows = workspace.read(job.stage.name, job.shard).to_pylist()
    if len(rows) != count:
        return {}
    return {k: row for k, row in enumerate(rows) if row["status"] == "ok"}


def _keep_images(row: Row, pending: PendingShard) -> None:
    for column in ("crop", "heatmap"):
        if row.get(column):
            pending.keep_image(Path(row[column]).name)


def _commit(job: Job, pending: PendingShard, rows: Sequence[Row], started: float) -> Marker:
    provenance = {"settings": job.stage.settings(job.config), "versions": versions()}
    return pending.commit(
        table_from_rows(job.stage.name, rows),
        input_hash=job.input_hash,
        config_hash=job.config_hash,
        provenance=provenance,
        seconds=round(time.monotonic() - started, 3),
    )


def _check_order(inputs: dict[str, list[Row]], shard: int) -> None:
    ids = [[row["face_id"] for row in rows] for rows in inputs.values()]
    if any(other != ids[0] for other in ids[1:]):
        names = ", ".join(inputs)
        raise ManifestError(
            f"shard {shard}: {names} do not list the same faces",
            Again({"only": False, "overwrite": True}),
        )


def explain_os_error(error: OSError, workspace: Workspace) -> OSError | FaceprepError:
    """Return a readable error for a full, read-only or forbidden disk, else the same error."""
    if error.errno not in _FATAL:
        return error
    return FaceprepError(
        write_failure(error, workspace.root),
        Again(note="when there is space and you may write there: resumes where it stopped"),
    )


#: Environment of worker processes: one thread for each numerical library.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def one_thread() -> None:
    """Limit this process to one computing thread."""
    os.environ.update(ENVIRONMENT)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    import cv2  # slow to import, and the command itself does not need it

    cv2.setNumThreads(1)
