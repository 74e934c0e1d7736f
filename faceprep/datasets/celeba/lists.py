"""Read the annotation lists of CelebA: text or CSV, LF or CRLF, complete or truncated."""

import itertools
import re
import warnings
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceprep.core.errors import Shell, UsageError
from faceprep.datasets.report import Report

_IMAGE = re.compile(r"0*(\d{1,9})\.(?:jpe?g|png)", re.IGNORECASE)
_PATTERNS = {
    "partition": re.compile(r"(list_)?eval_partition\.(txt|csv)", re.IGNORECASE),
    "attributes": re.compile(r"(list_)?attr_celeba\.(txt|csv)", re.IGNORECASE),
    "identity": re.compile(r"identity_celeba\.(txt|csv)", re.IGNORECASE),
    "landmarks_align": re.compile(r"(list_)?landmarks_align_celeba\.(txt|csv)", re.IGNORECASE),
    "landmarks": re.compile(r"(list_)?landmarks_celeba\.(txt|csv)", re.IGNORECASE),
    "mapping": re.compile(r"celeba-?hq-to-celeba-mapping\.(txt|csv)", re.IGNORECASE),
    "box": re.compile(r"(list_)?bbox_celeba\.(txt|csv)", re.IGNORECASE),
}
# Values per image, and the type of one; the header names the attributes.
_WIDTH = {"partition": 1, "identity": 1, "landmarks": 10, "landmarks_align": 10, "box": 4}
_TYPE = {"partition": "b", "attributes": "b", "identity": "i"}
_FLOAT = "f"
_BLOCK = 2000
_TO_SPACES = str.maketrans(",", " ")


@dataclass(frozen=True)
class AnnotationList:
    """Hold values by image number.

    Attributes
    ----------
    numbers
        ``(n,) int64``, ascending: images that have values.
    values
        ``(n, m)``.
    names
        Names of the columns; empty without a header.
    """

    numbers: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]

    def rows(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the values of images.

        Returns
        -------
        ``(k, m)`` values, arbitrary if unknown, and ``(k,) bool`` whether they are known.
        """
        if not len(self.numbers):
            return np.zeros((len(numbers), self.values.shape[1])), np.zeros(len(numbers), bool)
        index = np.minimum(np.searchsorted(self.numbers, numbers), len(self.numbers) - 1)
        return self.values[index], self.numbers[index] == numbers


def kind_of(name: str) -> str | None:
    """Return the kind of an annotation file by its name, or ``None``."""
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.fullmatch(name)), None)


def read_list(path: Path, kind: str, report: Report) -> AnnotationList:
    """Read one annotation file.

    Lines that do not fit are left out and reported. A count in the first line that differs from the
    number of images is reported.

    Raises
    ------
    UsageError
        If the file cannot be read or has no valid line.
    """
    parser = _Parser(kind)
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            while block := list(itertools.islice(lines, _BLOCK)):
                if parser.take_block(block):
                    continue
                for line in block:
                    if not parser.take(line):
                        report.note(f"{path.name}: line that does not fit", line[:40].strip())
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}", Shell(("ls", "-l", str(path)))
        ) from None
    if parser.width is None or not parser.numbers:
        raise UsageError(f"{path} has no line like “000001.jpg …”", Shell(("head", str(path))))
    count = len(parser.numbers)
    if parser.announced is not None and parser.announced != count:
        report.note(
            f"{path.name} announces {parser.announced} images and has {count}: "
            "the file is cut short or was edited"
        )
    return _sorted(parser, path, report)


class _Parser:
    """Parse the lines of an annotation file."""

    def __init__(self, kind: str) -> None:
        self.width: int | None = _WIDTH.get(kind)
        self.names: tuple[str, ...] = ()
        self.announced: int | None = None
        self.numbers = array("q")
        self.values = array(_TYPE.get(kind, _FLOAT))
        self._convert: Callable[[str], Any] = float if self.values.typecode == _FLOAT else int

    def take_block(self, lines: list[str]) -> bool:
        """Parse many lines at once; return false, with no effect, unless all are ordered images."""
        if self.width is None or not self.numbers:
            return False
        text = "".join(lines).translate(_TO_SPACES)
        for ending in (".jpg", ".png"):
            text = text.replace(ending, " ")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                table = np.fromstring(text, dtype=np.float64, sep=" ")
            except (DeprecationWarning, ValueError):
                return False
        if len(table) != len(lines) * (self.width + 1):
            return False
        table = table.reshape(len(lines), -1)
        numbers, values = table[:, 0], table[:, 1:].astype(self.values.typecode)
        in_order = numbers[0] > self.numbers[-1] and (np.diff(numbers) > 0).all()
        if not in_order or (numbers % 1).any() or (values != table[:, 1:]).any():
            return False
        self.numbers.frombytes(numbers.astype(np.int64).tobytes())
        self.values.frombytes(values.tobytes())
        return True

    def take(self, line: str) -> bool:
        """Parse a line; return false if it is neither empty, a header, a count nor an image."""
        words = line.replace(",", " ").split() if "," in line else line.split()
        if not words:
            return True
        match = _IMAGE.fullmatch(words[0])
        if match is None:
            return self._take_header(words)
        if self.width is None:
            self.width = len(words) - 1
        if len(words) - 1 != self.width:
            return False
        try:
            values = [self._convert(word) for word in words[1:]]
            self.values.extend(values)
        except (ValueError, OverflowError):
            # Remove the values before the invalid word.
            del self.values[len(self.numbers) * self.width :]
            return False
        self.numbers.append(int(match[1]))
        return True

    def _take_header(self, words: list[str]) -> bool:
        """Parse a count or column names, which only come before the first image."""
        if self.numbers:
            return False
        if len(words) == 1 and words[0].isdecimal():
            self.announced = int(words[0])
            return True
        if words[0].lower() in ("image_id", "image", "image_name", "filename", "file"):
            words = words[1:]
        self.names = tuple(words)
        if self.width is None:
            self.width = len(words)
        return True


def _sorted(parser: _Parser, path: Path, report: Report) -> AnnotationList:
    """Return the parsed values by ascending number; the first line of an image counts."""
    numbers = np.frombuffer(parser.numbers, dtype=np.int64)
    values = np.array(parser.values).reshape(len(numbers), -1)
    if (np.diff(numbers) <= 0).any():
        numbers, first = np.unique(numbers, return_index=True)
        if len(first) < len(values):
            report.note(f"{path.name} lists images twice: the first line counts")
        values = values[first]
    names = parser.names if len(parser.names) == values.shape[1] else ()
    return AnnotationList(numbers, values, names)
