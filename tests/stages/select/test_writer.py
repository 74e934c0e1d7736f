import json
from pathlib import Path

import pytest

from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options, plan_stage
from faceprep.stages.align.stage import STAGE as ALIGN
from faceprep.stages.aus import STAGE as AUS
from faceprep.stages.heatmaps import STAGE as HEATMAPS
from faceprep.stages.select.run import run_select
from faceprep.workspace import Workspace
from faceprep.workspace.load import load
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard
from faceprep.workspace.schemas import SCHEMAS

NO_FACE = {
    "status": "no_face", "reason": "none", "detector": "x", "backend": "x", "channels": 1,
    "sigma": 1.0,
}  # fmt: skip
WORDS = ("anger", "fear", "happy")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for person in range(8):
        for word in WORDS:
            path = tmp_path / "data" / f"p{person}" / f"{word}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{person}{word}")
    return tmp_path / "data"


def config(root: Path, **select: object) -> Config:
    settings = {"dataset": "folder", "root": root, **select}
    workspace = root.parent / "out"
    return Config.model_validate({"workspace": workspace, "shard_size": 5, "select": settings})


def select(settings: Config) -> None:
    run_select(settings, Options(), Progress(quiet=True))


def finish(settings: Config) -> None:
    """Finish every shard of the later stages, as if no face were found."""
    workspace = Workspace(settings.workspace)
    for stage in (ALIGN, HEATMAPS, AUS):
        for job in plan_stage(stage, settings, Options())[0]:
            ids = workspace.read("select", job.shard).column("face_id").to_pylist()
            names = SCHEMAS[stage.name].names
            used = {name: value for name, value in NO_FACE.items() if name in names}
            rows = [{"face_id": face, **used} for face in ids]
            with pending_shard(workspace, stage.name, job.shard) as pending:
                pending.commit(
                    table_from_rows(stage.name, rows),
                    input_hash=job.input_hash,
                    config_hash=job.config_hash,
                    provenance={},
                    seconds=0,
                )


def todo(settings: Config) -> list[list[int]]:
    return [plan_stage(stage, settings, Options())[1].todo for stage in (ALIGN, HEATMAPS, AUS)]


@pytest.mark.parametrize(
    "change",
    [
        {"split": "random", "seed": 3},
        {"test_fraction": 0.5},
        {"val_fraction": 0.3},
        {"folds": 3},
        {"words": {"happy": "surprise"}},
    ],
)
def test_no_crop_depends_on_the_split_or_the_labels(root: Path, change: dict[str, object]) -> None:
    before = config(root)
    select(before)
    finish(before)
    first = load(before.workspace)
    after = config(root, **change)
    select(after)
    assert todo(after) == [[], [], []]
    joined = load(after.workspace)
    changed = ["split", "fold", "expression"]
    assert not joined[changed].equals(first[changed])
    assert joined.drop(columns=changed).equals(first.drop(columns=changed))


@pytest.mark.parametrize("change", ["photograph", "people"])
def test_crops_depend_on_the_photograph_and_the_person(root: Path, change: str) -> None:
    before = config(root)
    select(before)
    finish(before)
    if change == "photograph":
        (root / "p0" / "anger.jpg").write_text("another")
    after = config(root, **({"naming": "none"} if change == "people" else {}))
    select(after)
    assert todo(after)[0] == ([0] if change == "photograph" else [0, 1, 2, 3, 4])


def test_crops_made_before_are_kept(root: Path) -> None:
    """Markers without the hash of what crops depend on stand for their whole part."""
    settings = config(root)
    select(settings)
    for path in (settings.workspace / "select").glob("part-*.json"):
        marker = json.loads(path.read_text())
        del marker["content"]
        path.write_text(json.dumps(marker))
    marker = Workspace(settings.workspace).marker("select", 0)
    assert marker is not None
    assert marker.output == marker.sha256
    finish(settings)
    select(settings)
    assert todo(settings) == [[], [], []]
