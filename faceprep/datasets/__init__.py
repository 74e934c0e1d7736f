"""Readers of datasets on disk; `load_reader` finds one by name without importing the others."""

import importlib
from typing import TYPE_CHECKING

from faceprep.core.errors import UsageError

if TYPE_CHECKING:
    from faceprep.datasets.base import Reader

#: Name in the configuration → module that holds its ``READER``.
READERS = {
    "oulu-casia": "faceprep.datasets.oulu_casia",
    "ck-plus": "faceprep.datasets.ck_plus.reader",
    "celeba": "faceprep.datasets.celeba.reader",
    "folder": "faceprep.datasets.folder.reader",
}


def load_reader(name: str) -> "Reader":
    """Return the reader of a dataset.

    Raises
    ------
    UsageError
        When no reader has that name.
    """
    if name not in READERS:
        raise UsageError(f"unknown dataset {name!r}", f"--dataset {'|'.join(READERS)}")
    reader: Reader = importlib.import_module(READERS[name]).READER
    return reader
