"""Read the true values of a demo dataset."""

from pathlib import Path
from typing import TYPE_CHECKING

from faceprep.demo.files import TRUTH_FOLDER

if TYPE_CHECKING:
    import pyarrow as pa

TRUTH = "truth.parquet"

_LEVELS_ABOVE = 2


def find_truth(root: Path) -> Path | None:
    """Return the demo dataset that ``root`` is or belongs to, or ``None``.

    ``root`` may be one of the image folders of the dataset.
    """
    folder = root.resolve()
    for candidate in (folder, *list(folder.parents)[:_LEVELS_ABOVE]):
        if (candidate / TRUTH_FOLDER / TRUTH).is_file():
            return candidate
    return None


def read_truth(dataset: Path) -> "pa.Table":
    """Read one row per image: ``path`` below ``dataset``, ``AU01_r`` …, ``landmarks68`` and more.

    Intensities are those of the stronger half of the face, 0-5.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(dataset / TRUTH_FOLDER / TRUTH) as file:
        return file.read()
