"""Define the interface of layouts: list sequences, render them, write annotation files."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceprep.demo.files import write_file
from faceprep.demo.sequence import Frame
from faceprep.demo.settings import DemoSettings

Row = dict[str, Any]
"""One row of ``truth.parquet`` (:data:`faceprep.demo.files.TRUTH`)."""


@dataclass(frozen=True, slots=True)
class PlannedSequence:
    """Describe one sequence to render."""

    subject: int  # 0-based index of the subject
    number: int  # number of the sequence within the subject; part of the random seed
    expression: str  # one of :data:`faceprep.core.vocabulary.EXPRESSIONS`
    name: str  # name of the sequence in this layout
    labelled: bool = True  # whether the annotation files contain the expression


class Layout(ABC):
    """Define the folders and annotation files of one real dataset."""

    @abstractmethod
    def sequences(self, settings: DemoSettings, subject: int) -> list[PlannedSequence]:
        """List the sequences of one subject, which do not depend on the number of subjects."""

    @abstractmethod
    def render(self, root: Path, settings: DemoSettings, planned: PlannedSequence) -> Iterator[Row]:
        """Render and write one sequence; yield one row per frame."""

    def finish(  # noqa: B027
        self, root: Path, settings: DemoSettings, rows: list[Row]
    ) -> None:
        """Write the annotation files for all images, if the layout has any, at the end."""


def write_image(root: Path, path: str, image: NDArray[np.uint8], quality: int = 95) -> None:
    """Write an RGB image atomically, in the format of its suffix."""
    if path.endswith(".png"):
        gray = bool((image[..., :1] == image).all())
        pixels = image[..., 0] if gray else image[..., ::-1]
        done, data = cv2.imencode(".png", np.ascontiguousarray(pixels))
    else:
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
        done, data = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), options)
    if not done:
        raise OSError(f"{path}: the image could not be encoded")
    write_file(root, path, data.tobytes())


def write_text(root: Path, path: str, text: str) -> None:
    """Write a small text file atomically."""
    write_file(root, path, text.encode())


def truth_row(path: str, subject: str, sequence: str, number: int, expression: str | None,
              frame: Frame) -> Row:  # fmt: skip
    """Build the truth row of one image; ``expression`` is that of the sequence."""
    return {
        "path": path,
        "subject": subject,
        "sequence": sequence,
        "frame": number,
        "expression": expression,
        "progress": frame.progress,
        **{f"{au}_r": value for au, value in frame.units.items()},
        "landmarks68": [float(v) for v in frame.landmarks68.ravel()],
    }
