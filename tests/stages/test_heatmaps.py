from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceprep.config import Config
from faceprep.core.heatmaps import combined_heatmap, gaussian_planes, split_planes
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.execution.stage import ShardOutput
from faceprep.stages.heatmaps import STAGE
from faceprep.stages.pipeline import run
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import Row, table_from_rows, validate


def align_rows() -> list[Row]:
    points = np.random.default_rng(5).uniform(-4, 132, (2, 136)).astype(np.float32)
    made = [
        {"face_id": f"folder/A/{k}", "status": "ok", "landmarks68": points[k].tolist()}
        for k in range(2)
    ]
    lost = {"face_id": "folder/A/lost", "status": "unreadable", "reason": "is empty"}
    return [made[0], lost, made[1]]


def process(tmp_path: Path, **sections: dict) -> tuple[list[Row], Path]:
    images = tmp_path / "images"
    images.mkdir(parents=True, exist_ok=True)
    rows = align_rows()
    config = Config.model_validate(sections)
    made = STAGE.process({"align": rows}, [0, 1, 2], config, ShardOutput(images, "images/00000"))
    validate(table_from_rows("heatmaps", made), "heatmaps")
    return made, images


def test_one_png_a_face_and_a_row_for_each(tmp_path: Path) -> None:
    rows, images = process(tmp_path)
    assert [row["status"] for row in rows] == ["ok", "skipped", "ok"]
    assert rows[1]["reason"] == "align: unreadable"
    assert {row["channels"] for row in rows} == {1}
    assert {row["sigma"] for row in rows} == {2.0}
    assert rows[0]["heatmap"] == "images/00000/folder__A__0.png"
    assert sorted(path.name for path in images.iterdir()) == [
        "folder__A__0.png",
        "folder__A__1.png",
    ]
    points = np.array(align_rows()[0]["landmarks68"]).reshape(68, 2)
    with Image.open(images / "folder__A__0.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), combined_heatmap(points, 128))


def test_68_planes_in_one_file_are_what_training_renders(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    rows, images = process(tmp_path, heatmaps={"channels": 68, "sigma": 1.5}, align={"size": 64})
    assert rows[0]["channels"] == 68
    assert rows[0]["sigma"] == 0.75
    points = torch.tensor(align_rows()[0]["landmarks68"], dtype=torch.float64).reshape(1, 68, 2)
    rendered = gaussian_planes(points, 64, 1.5)[0].numpy()
    with Image.open(images / "folder__A__0.png") as image:
        planes = split_planes(np.asarray(image))
    np.testing.assert_array_equal(planes, np.rint(rendered * 255).astype(np.uint8))


def test_only_what_is_asked_for_is_drawn(tmp_path: Path) -> None:
    rows = align_rows()
    out = ShardOutput(tmp_path, "images/00000")
    made = STAGE.process({"align": rows}, [2], Config(), out)
    assert [row["face_id"] for row in made] == ["folder/A/1"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_new_size_of_crop_redoes_the_heatmaps() -> None:
    large = Config.model_validate({"align": {"size": 256}})
    assert STAGE.settings(large) != STAGE.settings(Config())


def test_through_the_runner(aligned_workspace: Callable[..., Workspace]) -> None:
    workspace = aligned_workspace(faces=10, shard_size=5)
    config = Config(workspace=workspace.root, workers=1)
    result = run(config, ["heatmaps"], Options(), Progress(quiet=True)).stages[-1]
    assert result.status == {"ok": 9, "skipped": 1}
