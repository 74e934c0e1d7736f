"""Read back what was drawn: the truth beside a demo dataset."""

from pathlib import Path
from typing import TYPE_CHECKING

from faceprep.demo.files import TRUTH_FOLDER

if TYPE_CHECKING:
    import pyarrow as pa

TRUTH = "truth.parquet"

_LEVELS_ABOVE = 2


def find_truth(root: Path) -> Path | None:
    """Folder of the demo dataset that ``root`` is, or lies in; ``None`` when it is none.

    A dataset may have been read from one of its image folders.
    """
    folder = root.resolve()
    for place in (folder, *list(folder.parents)[:_LEVELS_ABOVE]):
        if (place / TRUTH_FOLDER / TRUTH).is_file():
            return place
    return None


def read_truth(dataset: Path) -> "pa.Table":
    """One row an image: ``path`` below ``dataset``, ``AU01_r`` …, ``landmarks68``, …

    Intensities are those of the stronger half of the face, 0-5.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(dataset / TRUTH_FOLDER / TRUTH) as file:
        return file.read()
