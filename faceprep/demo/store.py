"""Render and write a demo dataset.

``faceprep_demo/`` contains ``started.json`` (settings, written first), ``parts/`` (the truth of
each finished subject, removed at the end), ``truth.parquet``, and ``demo.json``, written last.

Several processes may render the same dataset at the same time: all write identical bytes, and a
process stops when it finds ``demo.json``.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from faceprep.config import DemoConfig
from faceprep.core.errors import Again, FaceprepError, UsageError
from faceprep.core.files import write_failure
from faceprep.core.progress import Progress
from faceprep.core.signals import interrupts_blocked
from faceprep.demo.action_units import AU_NAMES
from faceprep.demo.files import TRUTH, TRUTH_FOLDER, clear, write_file
from faceprep.demo.layouts import LAYOUTS, Row
from faceprep.demo.settings import RENDERER_VERSION, DemoSettings

if TYPE_CHECKING:
    import pyarrow as pa

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

MARKER = "demo.json"
STARTED = "started.json"


def render_demo(
    root: Path,
    settings: DemoSettings | DemoConfig,
    workers: int = 1,
    progress: Progress | None = None,
) -> None:
    """Render a demo dataset below ``root``, unless it is already complete.

    Parameters
    ----------
    root
        Folder that is missing, empty, or contains the same dataset, finished or not.
    workers
        Number of processes. The files do not depend on it.
    progress
        Display of the finished subjects.

    Raises
    ------
    UsageError
        If ``root`` contains other files or a demo dataset with other settings.
    FaceprepError
        If a worker died or the disk is full; the same command again renders the rest.
    """
    if isinstance(settings, DemoConfig):
        settings = DemoSettings(**settings.model_dump())
    root = Path(root)
    record = {"settings": asdict(settings), "renderer_version": RENDERER_VERSION}
    if _is_complete(root, record):
        return
    write_file(root, f"{TRUTH_FOLDER}/{STARTED}", _json(record))
    left = [k for k in range(settings.subjects) if not (root / _part(k)).is_file()]
    if progress is not None:
        progress.start("demo", settings.subjects)
        progress.update(settings.subjects - len(left))
    done = settings.subjects - len(left)
    try:
        for _ in _render_all(root, settings, left, workers):
            done += 1
            if progress is not None:
                progress.update(done)
        _finish(root, settings, record)
    except OSError as error:
        if not _is_complete(root, record):  # otherwise another process finished it and cleaned up
            raise FaceprepError(
                write_failure(error, root), hint=Again(note="resumes where it stopped")
            ) from error
    finally:
        if progress is not None:
            progress.finish()
    (root / TRUTH_FOLDER / STARTED).unlink(missing_ok=True)
    clear(root, "parts", "tmp")


def _is_complete(root: Path, record: dict[str, Any]) -> bool:
    """Return whether the dataset is complete; raise an error if the folder has other files."""
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is a file", hint=Again({"select.root": f"{root}-demo"}))
    # The order matters, because another process may be working on the dataset: `started` is written
    # before any other file, and the marker before `started` is removed.
    names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    started, marker = (_read(root / TRUTH_FOLDER / name) for name in (STARTED, MARKER))
    found = started if marker is None else marker
    if found is not None:
        if found != record:
            raise UsageError(
                f"{root} holds a demo dataset of other settings: {_difference(found, record)}",
                hint=Again({"select.root": f"{root}-2"}, note="or remove the folder first"),
            )
        return marker is not None
    foreign = [name for name in names if name != TRUTH_FOLDER]
    if foreign:
        raise UsageError(
            f"{root} is not empty and is not a demo dataset (it holds {foreign[0]!r})",
            hint=Again({"select.root": root / "demo"}),
        )
    return False


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return {k: found.get(k) for k in ("settings", "renderer_version")}


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Describe the first setting that differs."""
    there, here = found.get("settings") or {}, wanted["settings"]
    for name, value in here.items():
        if there.get(name) != value:
            return f"{name} is {there.get(name)} there, {value} asked for"
    return f"renderer version {found.get('renderer_version')} there, {RENDERER_VERSION} here"


def _part(subject: int) -> str:
    return f"{TRUTH_FOLDER}/parts/{subject:05d}.json"


def _render_all(
    root: Path, settings: DemoSettings, left: list[int], workers: int
) -> Iterator[None]:
    if workers <= 1 or len(left) <= 1:
        for subject in left:
            render_subject(root, settings, subject)
            yield
        return
    from loky import ProcessPoolExecutor, as_completed
    from loky.process_executor import TerminatedWorkerError

    pool = ProcessPoolExecutor(min(workers, len(left)), env=_ONE_THREAD)
    try:
        with interrupts_blocked():  # it starts the processes
            tasks = [pool.submit(render_subject, root, settings, subject) for subject in left]
        for task in as_completed(tasks):
            yield task.result()
    except TerminatedWorkerError as error:
        raise FaceprepError(
            "a worker rendering the demo dataset was killed (out of memory?)",
            hint=Again(
                {"workers": 1}, note="resumes where it stopped; one worker needs the least memory"
            ),
        ) from error
    finally:
        pool.shutdown(kill_workers=True)


def render_subject(root: Path, settings: DemoSettings, subject: int) -> None:
    """Render and write the missing sequences of one subject, and then their truth."""
    if any((root / name).is_file() for name in (_part(subject), f"{TRUTH_FOLDER}/{MARKER}")):
        return
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        layout = LAYOUTS[settings.layout]
        rows = [
            row
            for planned in layout.sequences(settings, subject)
            for row in layout.render(root, settings, planned)
        ]
    finally:
        cv2.setNumThreads(threads)
    write_file(root, _part(subject), _json(rows))


def _finish(root: Path, settings: DemoSettings, record: dict[str, Any]) -> None:
    """Write the annotation files for all images, the truth, and then the marker."""
    import pyarrow.parquet as pq

    rows: list[Row] = []
    for subject in range(settings.subjects):
        rows += json.loads((root / _part(subject)).read_bytes())
    rows.sort(key=lambda row: row["path"])
    LAYOUTS[settings.layout].finish(root, settings, rows)
    truth = io.BytesIO()
    pq.write_table(_table(rows), truth)
    write_file(root, f"{TRUTH_FOLDER}/{TRUTH}", truth.getvalue())
    write_file(root, f"{TRUTH_FOLDER}/{MARKER}", _json(record | {"images": len(rows)}))


def _table(rows: list[Row]) -> "pa.Table":
    import pyarrow as pa

    schema = pa.schema(
        [
            ("path", pa.string()),
            ("subject", pa.string()),
            ("sequence", pa.string()),
            ("frame", pa.int32()),
            ("expression", pa.string()),
            ("progress", pa.float32()),
            *((f"{au}_r", pa.float32()) for au in AU_NAMES),
            ("landmarks68", pa.list_(pa.float32(), 136)),
        ]
    )
    return pa.Table.from_pylist([{k: row[k] for k in schema.names} for row in rows], schema)


def _json(data: object) -> bytes:
    return json.dumps(data, indent=1 if isinstance(data, dict) else None).encode()
