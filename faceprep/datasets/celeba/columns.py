"""Look up the annotations of CelebA images."""

from typing import Any

import numpy as np

from faceprep.datasets.celeba.lists import AnnotationList
from faceprep.datasets.report import Report


class AnnotationColumns:
    """Look up attributes, boxes and landmarks of images, as columns of `FrameRow`."""

    def __init__(self, aligned: bool, lists: dict[str, AnnotationList], report: Report) -> None:
        self._report = report
        self._attributes = lists.get("attributes")
        # Boxes and the plain landmarks are in pixels of the photographs, not of the aligned crops.
        self._box = None if aligned else lists.get("box")
        self._points = lists.get("landmarks_align" if aligned else "landmarks")
        self._missing = 0
        if self._attributes is not None and not self._attributes.names:
            width = self._attributes.values.shape[1]
            report.note(f"the attributes have no header: they are called attribute01 to {width}")
            names = tuple(f"attribute{k + 1:02d}" for k in range(width))
            self._attributes = AnnotationList(
                self._attributes.numbers, self._attributes.values, names
            )

    def of_images(self, numbers: np.ndarray) -> list[dict[str, Any]]:
        """Return one dictionary of columns per image."""
        extras: list[dict[str, Any]] = [{} for _ in range(len(numbers))]
        for column, table in (("box", self._box), ("landmarks5", self._points)):
            for extra, values in zip(extras, _values(table, numbers), strict=True):
                if values is not None:
                    extra[column] = values
        if self._attributes is not None:
            names = self._attributes.names
            for extra, values in zip(extras, _values(self._attributes, numbers), strict=True):
                if values is None:
                    self._missing += 1
                else:
                    extra["attributes"] = dict(zip(names, values, strict=True))
        return extras

    def note_missing(self) -> None:
        """Report the number of images without a line in the attribute list."""
        if self._missing:
            self._report.note(f"{self._missing} images have no line in the attribute list")


def _values(table: AnnotationList | None, numbers: np.ndarray) -> list[list[float] | None]:
    if table is None:
        return [None] * len(numbers)
    values, known = table.rows(numbers)
    rows = values.astype(np.float64).tolist()
    return [row if there else None for row, there in zip(rows, known.tolist(), strict=True)]
