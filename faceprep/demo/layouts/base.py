"""What a layout does: lists the sequences of a dataset, writes each, and the annotation files."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceprep.demo.files import write_file
from faceprep.demo.sequence import Frame
from faceprep.demo.settings import DemoSettings

Row = dict[str, Any]
"""One line of ``truth.parquet``: see :data:`faceprep.demo.truth.TRUTH`."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One sequence to film.

    Attributes
    ----------
    subject : index of the person, from 0.
    number : of the sequence within the subject; seeds its randomness.
    expression : one of :data:`faceprep.core.vocabulary.EXPRESSIONS`.
    name : of the sequence in this layout.
    labelled : whether the expression is told to readers.
    """

    subject: int
    number: int
    expression: str
    name: str
    labelled: bool = True
    extra: dict[str, Any] = field(default_factory=dict)


class Layout(ABC):
    """Folders and annotation files of one real dataset."""

    @abstractmethod
    def shots(self, settings: DemoSettings, subject: int) -> list[Shot]:
        """Sequences of one subject; the same whatever the number of subjects."""

    @abstractmethod
    def film(self, root: Path, settings: DemoSettings, shot: Shot) -> Iterator[Row]:
        """Render and write one sequence; yield a row for each frame."""

    def finish(  # noqa: B027
        self, root: Path, settings: DemoSettings, rows: list[Row]
    ) -> None:
        """Write the annotation files that cover all images, once all are there; most have none."""


def write_image(root: Path, path: str, image: NDArray[np.uint8], quality: int = 95) -> None:
    """Write an RGB image as its suffix says; appears whole or not at all."""
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
    """Write a small text file; appears whole or not at all."""
    write_file(root, path, text.encode())


def truth_row(path: str, subject: str, sequence: str, number: int, expression: str | None,
              frame: Frame) -> Row:  # fmt: skip
    """The truth about one image; ``expression`` is that of the sequence."""
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
