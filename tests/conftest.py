"""What every test may ask for."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.hints import check_hint
from builders.small_disk import SmallDisk, mounted
from hypothesis import settings

from faceprep.core.errors import TYPED, FaceprepError, Hint
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard

# A busy machine is no reason to fail; a run in CI repeats exactly.
settings.register_profile("faceprep", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("faceprep")

ROOT = Path(__file__).resolve().parents[1]

#: Test files that take longest. They start first, so that no process works alone at the end.
SLOW = (
    "cluster/test_slurm_cluster.py",
    "test_docs.py",
    "stages/test_pipeline.py",
    "test_kept.py",
    "execution/slurm/test_single.py",
    "stages/augment/test_run.py",
    "generators/exprgan/test_trainer.py",
    "cli/test_train.py",
    "stages/train/test_run.py",
    "evaluation/edits/test_evaluate.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first; the order within a file stays."""
    first = {ROOT / "tests" / name: rank for rank, name in enumerate(SLOW)}
    for path in first:
        if not path.is_file():
            raise pytest.UsageError(f"SLOW in tests/conftest.py names no test file: {path}")
    items.sort(key=lambda item: first.get(item.path, len(first)))


@pytest.fixture(autouse=True)
def hints_are_understood() -> Iterator[None]:
    """The command line understands every command in the hint of an error that a test builds."""
    built: list[tuple[Hint, tuple[str, ...]]] = []
    original = FaceprepError.__init__

    def record(self: FaceprepError, message: str, hint: Hint | None = None) -> None:
        original(self, message, hint)
        if hint is not None:
            built.append((hint, TYPED.get()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FaceprepError, "__init__", record)
        yield
    for hint, typed in built:
        check_hint(hint, typed)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real photographs and peers' outputs; the test skips where there is none.

    ``SHARED_FACES`` names another place than ``../shared`` beside the checkout.
    """
    folder = Path(os.environ.get("SHARED_FACES", ROOT.parent / "shared"))
    if not (folder / "faces" / "labels.csv").is_file():
        pytest.skip(f"no shared photographs in {folder} (set SHARED_FACES)")
    return folder


@pytest.fixture(scope="session")
def openface_models() -> Path:
    """OpenFace's own ``AU_predictors``; the test skips where there is none.

    ``FACEPREP_TEST_OPENFACE_MODELS`` names it; its licence forbids to pass it on.
    """
    folder = os.environ.get("FACEPREP_TEST_OPENFACE_MODELS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("no OpenFace models (set FACEPREP_TEST_OPENFACE_MODELS to its AU_predictors)")
    return Path(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A file system of 64 megabytes; the test skips where it cannot be mounted."""
    with mounted(tmp_path / "disk") as disk:
        yield disk


def _select_row(number: int) -> dict[str, Any]:
    return {
        "face_id": f"folder/{number:05d}",
        "dataset": "folder",
        "subject": f"S{number // 4:03d}",
        "path": f"{number:05d}.png",
        "expression": "happiness",
        "role": "still",
        "split": "train",
        "fold": 0,
    }


def _align_row(number: int) -> dict[str, Any]:
    """A row of `align` whose landmarks are drawn at random; every seventh has no face."""
    row = {"face_id": f"folder/{number:05d}", "detector": "given", "faces_found": 1}
    if number % 7 == 6:
        return {**row, "status": "no_face", "reason": "no face found", "faces_found": 0}
    points = np.random.default_rng(number).uniform(10, 118, 136).astype(np.float32)
    return {**row, "status": "ok", "landmarks68": points.tolist(), "crop": "images/00000/x.png"}


@pytest.fixture
def aligned_workspace(tmp_path: Path) -> Callable[..., Workspace]:
    """Make a workspace whose select and align are finished, without any photograph."""

    def make(faces: int = 40, shard_size: int = 10, name: str = "ws") -> Workspace:
        workspace = Workspace(tmp_path / name)
        shards = range(-(-faces // shard_size))
        for shard in shards:
            numbers = range(shard * shard_size, min((shard + 1) * shard_size, faces))
            for stage, row in (("select", _select_row), ("align", _align_row)):
                with pending_shard(workspace, stage, shard) as pending:
                    pending.commit(
                        table_from_rows(stage, [row(number) for number in numbers]),
                        input_hash="input",
                        config_hash="config",
                        provenance={},
                        seconds=0.0,
                    )
        for stage in ("select", "align"):
            workspace.write_info(stage, {"stage": stage, "shards": len(shards)})
        return workspace

    return make


@pytest.fixture
def plant(tmp_path: Path) -> Callable[..., Path]:
    """Write files below a root: names of empty files, and a mapping of contents."""

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
