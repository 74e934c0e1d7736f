"""Write the images that tables hold as files, once."""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceprep.core.errors import Again, UsageError
from faceprep.core.files import atomic_write, write_json
from faceprep.core.progress import Progress
from faceprep.datasets.embedded.sources import ImageTable, image_bytes
from faceprep.datasets.report import Report

#: Folder of the records; readers ignore it.
RECORD = ".faceprep_table"

_STARTED, _DONE = "started.json", "extracted.json"
_SIGNS = re.compile(r"[\[\],;]")


def extract_images(
    tables: Sequence[ImageTable], root: Path, target: Path, overwrite: bool, progress: Progress
) -> None:
    """Write every image below `target`, unless that is done; an interrupted run goes on.

    Parameters
    ----------
    tables
        Tables with images.
    root
        File or folder of the tables, for messages.
    target
        Folder of the images, as ``ImageTable.labels`` names them.
    overwrite
        Replace images of other tables.

    Raises
    ------
    UsageError
        If `target` holds images of other tables, and `overwrite` is false.
    """
    record = {
        "tables": [[str(t.path.absolute()), t.path.stat().st_size, t.path.stat().st_mtime_ns]
                   for t in tables]
    }  # fmt: skip
    folder = target / RECORD
    if _read(folder / _DONE) == record:
        return
    started = _read(folder / _STARTED)
    if started not in (None, record):
        if not overwrite:
            raise UsageError(
                f"{target} holds the images of other tables than {root}, or {root} has changed",
                Again({"overwrite": True}, note="replaces them"),
            )
        shutil.rmtree(target)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / _STARTED, record)
    progress.start("extract", None)
    done = 0
    try:
        for table in tables:
            names = table.labels(Report()).column("image").to_pylist()
            for name, data in zip(names, _images(table), strict=True):
                if data is not None and not (target / name).is_file():
                    (target / name).parent.mkdir(exist_ok=True)
                    with atomic_write(target / name) as temporary:
                        temporary.write_bytes(data)
                done += 1
                progress.update(done)
    finally:
        progress.finish()
    write_json(folder / _DONE, record)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _images(table: ImageTable) -> Iterator[bytes | None]:
    """Yield the file of each row, ``None`` where there is none."""
    for batch in table.batches():
        if not table.pixels:
            yield from map(image_bytes, batch.column(table.image).to_pylist())
        elif len(table.pixels) == 1:
            yield from map(_png, batch.column(table.image).to_pylist())
        else:
            rows = zip(*(batch.column(name).to_pylist() for name in table.pixels), strict=True)
            yield from (_png(" ".join(value or "" for value in row)) for row in rows)


def _png(text: str | None) -> bytes | None:
    """Return the PNG of a square grey image (or of three colours) given as numbers 0 to 255."""
    try:
        values = np.array(_SIGNS.sub(" ", text or "").split(), dtype=np.float64)
    except ValueError:
        return None
    channels = 1 if int(np.sqrt(len(values))) ** 2 == len(values) else 3
    side = int(np.sqrt(len(values) / channels))
    if not side or side * side * channels != len(values):
        return None
    pixels = values.reshape(side, side, channels).clip(0, 255).astype(np.uint8)
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
