"""Cache of large arrays in files, computed once and memory-mapped by every process.

<workspace>/classify/faces/real-64-<key>.npy          crops of the selection, uint8, network's size
                           <generator>-64-<key>.npy   synthetic faces, in their order
                           real-features-<key>.npy    their face features φ, for arms that read them

The key is a hash of everything that determines the content, so that runs never share wrong faces.
Of the files that differ only in the key, the two last used are kept.
"""

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from faceprep.core.errors import Again, FaceprepError, Hint
from faceprep.core.files import digest, output_file, reserve
from faceprep.core.progress import Progress
from faceprep.workspace.load import read_crop

if TYPE_CHECKING:
    import pandas as pd

_CHUNK = 256

#: Shape and type of an array, and its consecutive parts along the first axis.
Content: TypeAlias = tuple[tuple[int, ...], np.dtype[Any], Iterable[np.ndarray]]


@dataclass(frozen=True)
class CachedArray:
    """An array in a file; `key` is a hash of everything that determines its content."""

    path: Path
    key: str

    def read(self) -> np.ndarray:
        """Map the array copy-on-write: changes stay in this process.

        Raises `FaceprepError`: another run removed the file.
        """
        try:
            return np.load(self.path, mmap_mode="c")
        except FileNotFoundError:
            raise FaceprepError(
                f"{self.path} is gone: other classify runs in this workspace took its place",
                Again({"overwrite": False}, note="resumes; finished trainings are saved"),
            ) from None

    def is_complete(self) -> bool:
        """Whether the file exists with the length that its header gives."""
        try:
            np.load(self.path, mmap_mode="r")
        except (OSError, ValueError, EOFError):
            return False
        return True


@dataclass(frozen=True)
class ArrayCache:
    """Folder of cached arrays."""

    folder: Path  # folder of the files
    progress: Progress  # receiver of messages
    dry_run: bool = False  # whether to compute nothing
    overwrite: bool = False  # whether to compute every array again

    def array(self, name: str, source: Any, compute: Callable[[], Content]) -> CachedArray:
        """Compute ``folder/name-<key>.npy``, unless it exists and is complete.

        `name`: beginning of the file's name.
        `source`: JSON-ready value that determines the content.
        `compute`: function that returns shape, type and parts of the array.
        """
        key = digest(source)
        cached = CachedArray(self.folder / f"{name}-{key}.npy", key)
        if self.dry_run:
            return cached
        with contextlib.suppress(OSError):
            self._remove_all_but_last(name, cached.path)
            os.utime(cached.path)  # marks the file as recently used
        if not self.overwrite and cached.is_complete():
            return cached
        shape, kind, parts = compute()
        size = math.prod(shape) * kind.itemsize
        again = Again({"overwrite": False}, note="when there is space")
        with output_file(cached.path, again, size) as temporary, temporary.open("wb") as stream:
            # Not through a memory map: on a full disk, its process is killed by SIGBUS.
            reserve(stream, size)
            form = {"descr": kind.str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, form)
            for part in parts:
                stream.write(np.ascontiguousarray(part, kind).data)
        return cached

    def pixels(
        self, name: str, table: "pd.DataFrame", size: int, threads: int, remedy: Hint | None
    ) -> CachedArray:
        """Decode the crops of a table, ``(N, size, size, 3) uint8``.

        `table`: rows with ``crop`` and ``crop_sha256``.
        `remedy`: hint of the error for an unreadable crop.
        Raises `FaceprepError`: a crop cannot be read.
        """

        def compute() -> Content:
            self.progress.say(f"classify: reading {len(table):,} crops ({name})")
            parts = _decode(table["crop"].tolist(), size, threads, remedy)
            return (len(table), size, size, 3), np.dtype(np.uint8), parts

        return self.array(f"{name}-{size}", [table["crop_sha256"].tolist(), size], compute)

    def features(self, name: str, pixels: CachedArray, features: Any, device: str) -> CachedArray:
        """Compute face features φ of faces and their mirror images, ``(N, 2, D) float16``."""
        from faceprep.stages.classify.logistic import describe

        def compute() -> Content:
            images = pixels.read()
            first = describe(features, images[:1], device)
            return (len(images), *first.shape[1:]), first.dtype, parts(images)

        def parts(images: np.ndarray) -> Iterator[np.ndarray]:
            self.progress.start("features", len(images))
            try:
                for start in range(0, len(images), _CHUNK):
                    yield describe(features, images[start : start + _CHUNK], device)
                    self.progress.update(min(start + _CHUNK, len(images)))
            finally:
                self.progress.finish()

        return self.array(f"{name}-features", [pixels.key, features.provenance()], compute)

    def _remove_all_but_last(self, name: str, own: Path) -> None:
        """Remove the other files of a name, but keep the last used one for a parallel run."""
        found = [path for path in self.folder.glob(f"{name}-*.npy") if path != own]
        others = [path for path in found if path.stem.rpartition("-")[0] == name]
        for path in sorted(others, key=lambda path: path.stat().st_mtime)[:-1]:
            path.unlink(missing_ok=True)


def _decode(paths: list[str], size: int, threads: int, remedy: Hint | None) -> Iterator[np.ndarray]:
    from faceprep.metrics.workspace_faces import reduce_crop

    def read(path: str) -> np.ndarray:
        return reduce_crop(read_crop(path, remedy), size)

    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(paths), _CHUNK):
            yield np.stack(list(pool.map(read, paths[start : start + _CHUNK])))
