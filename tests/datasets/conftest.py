"""Fixtures for readers of datasets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from faceprep.config import SelectConfig
from faceprep.datasets.base import FrameRow
from faceprep.datasets.registry import open_dataset
from faceprep.datasets.report import Report

Read = Callable[..., tuple[list[FrameRow], Report]]


@pytest.fixture
def read() -> Read:
    """Return the rows and the report of a dataset."""

    def rows(name: str, root: Path, **settings: object) -> tuple[list[FrameRow], Report]:
        report, select = Report(), SelectConfig.model_validate(settings)
        reader, found = open_dataset(name, root, select, report)
        return list(reader.frames(found, select, report)), report

    return rows
