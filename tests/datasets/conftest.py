"""Trees of empty files and small texts, as datasets lay them out."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from faceprep.config import SelectConfig
from faceprep.datasets.base import FrameRow, Report, open_dataset

Texts = Mapping[str, str | bytes]
Plant = Callable[..., Path]
Read = Callable[..., tuple[list[FrameRow], Report]]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Make files below a root: names for empty ones, a mapping for texts (or bytes)."""

    def make(
        *names: str, texts: Mapping[str, str | bytes] | None = None, root: str = "data"
    ) -> Path:
        folder = tmp_path / root
        folder.mkdir(exist_ok=True)
        for name, text in {**dict.fromkeys(names, ""), **(texts or {})}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        return folder

    return make


@pytest.fixture
def read() -> Read:
    """Rows and report of a dataset."""

    def rows(name: str, root: Path, **settings: object) -> tuple[list[FrameRow], Report]:
        report, select = Report(), SelectConfig.model_validate(settings)
        reader, found = open_dataset(name, root, select, report)
        return list(reader.frames(found, select, report)), report

    return rows
