"""The align stage, run on rows."""

from collections.abc import Callable
from pathlib import Path

import pytest
from builders.align import config_of

from faceprep.execution.stage import ShardOutput
from faceprep.stages.align.stage import STAGE
from faceprep.workspace.manifest import Row, table_from_rows, validate


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def align_rows(root: Path, tmp_path: Path) -> Callable[..., list[Row]]:
    """Run the stage on some select rows, and hold its rows to the manifest's rules."""

    def go(rows: list[Row], todo: list[int] | None = None, **options: object) -> list[Row]:
        out = tmp_path / "crops"
        out.mkdir(exist_ok=True)
        made = STAGE.process(
            {"select": rows},
            range(len(rows)) if todo is None else todo,
            config_of(root, **options),
            ShardOutput(out, "images/00000"),
        )
        validate(table_from_rows("align", made), "align")
        return made

    return go
