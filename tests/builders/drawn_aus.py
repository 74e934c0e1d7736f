"""Render and select a demo dataset in the layout of CK+."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from builders.evaluation import SUBJECTS, Intensities
from builders.shared import shared_folder
from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.core.vocabulary import PRESENCE_AUS
from faceprep.demo import DemoSettings, render_demo
from faceprep.execution.plan import Options
from faceprep.stages.select.run import run_select
from faceprep.workspace import Workspace


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = DemoSettings("ck-plus", subjects=SUBJECTS, frames=4, size=160)
    return shared_folder(tmp_path_factory, "drawn", lambda root: render_demo(root, settings))


@pytest.fixture(scope="session")
def truth(drawn: Path) -> dict[str, Intensities]:
    """Return path below the dataset → true values."""
    rows = pq.read_table(drawn / "faceprep_demo" / "truth.parquet").to_pylist()
    return {row["path"]: {au: row[f"{au}_r"] for au in PRESENCE_AUS} for row in rows}


@pytest.fixture
def select(drawn: Path, tmp_path: Path) -> Callable[..., Workspace]:
    """Select frames of the demo dataset, or of another folder, into a new workspace."""

    def run(name: str = "ws", root: Path = drawn, **settings: object) -> Workspace:
        config = Config(
            workspace=tmp_path / name,
            shard_size=1000,
            select={"dataset": "ck-plus", "root": root, "peak_frames": 2, **settings},
        )
        run_select(config, Options(), Progress(quiet=True))
        return Workspace(config.workspace)

    return run
