"""A small workspace with drawn faces, every stage finished by hand."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from builders.drawn_aus import drawn, select, truth  # noqa: F401

from faceprep.config import Config
from faceprep.core.files import digest
from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R
from faceprep.execution.stage import image_name
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard

EXPRESSIONS = ("anger", "happiness", "surprise")
SHARD_SIZE = 10
Images = dict[str, np.ndarray]


def face_points() -> np.ndarray:
    """(68, 2) points on two circles, inside a crop of 128 pixels."""
    angle = np.linspace(0, 2 * np.pi, 68)
    return np.stack([64 + 40 * np.cos(angle), 64 + 40 * np.sin(angle)], axis=1).astype(np.float32)


def select_row(number: int) -> dict[str, Any]:
    subject = f"S{number % 8:03d}"
    return {
        "face_id": f"folder/{subject}/{number:04d}",
        "dataset": "folder",
        "subject": subject,
        "path": f"{number:04d}.png",
        "expression": EXPRESSIONS[number % 3],
        "role": "still",
        "split": "test" if number % 8 == 7 else "train",
        "fold": -1,
    }


def outcome(number: int) -> dict[str, Any]:
    """Every ninth photograph has no face, and number 5 cannot be read."""
    face_id = select_row(number)["face_id"]
    if number == 5:
        return {"face_id": face_id, "status": "unreadable", "reason": "truncated at byte 812"}
    if number % 9 == 8:
        return {"face_id": face_id, "status": "no_face", "reason": f"no face in {number} windows"}
    return {"face_id": face_id, "status": "ok"}


def align_row(number: int, shard: int) -> dict[str, Any]:
    row = {**outcome(number), "detector": "mtcnn", "faces_found": 0}
    if row["status"] != "ok":
        return row
    return {
        **row,
        "faces_found": 1,
        "confidence": 0.9 + 0.001 * number,
        "box": [10.0, 10.0, 60.0, 60.0],
        "landmarks68": face_points().ravel().tolist(),
        "crop": f"images/{shard:05d}/{image_name(row['face_id'])}",
    }


def aus_row(number: int) -> dict[str, Any]:
    row = {**outcome(number), "backend": "landmarks"}
    if row["status"] != "ok":
        return {**row, "status": "skipped", "reason": "no crop"}
    strong = "AU12_r" if EXPRESSIONS[number % 3] == "happiness" else "AU04_r"
    return {
        **row,
        "confidence": 1.0,
        **{name: 3.0 if name == strong else 0.25 for name in COLUMNS_R},
        **dict.fromkeys(COLUMNS_C, False),
    }


def commit(
    workspace: Workspace,
    stage: str,
    shard: int,
    rows: Sequence[dict[str, Any]],
    images: Images | None = None,
    upstream: Sequence[str] = (),
) -> None:
    """Finish a shard as the runner does."""
    above = [workspace.marker(name, shard) for name in upstream]
    with pending_shard(workspace, stage, shard) as pending:
        for name, image in (images or {}).items():
            cv2.imwrite(str(pending.images / name), image)
        pending.commit(
            table_from_rows(stage, rows),
            input_hash=digest([marker.output for marker in above if marker]),
            config_hash="0123456789abcdef",
            provenance={"settings": {"size": 128}, "versions": {"faceprep": "0.1.0"}},
            seconds=2.0,
        )


@pytest.fixture
def make_workspace(tmp_path: Path) -> Callable[..., Workspace]:
    """Make a workspace of ``faces`` photographs up to and including the named stages."""

    def make(
        faces: int = 24, stages: Sequence[str] = ("align", "heatmaps", "aus"), name: str = "ws"
    ) -> Workspace:
        workspace = Workspace(tmp_path / name)
        root = tmp_path / f"{name}-photographs"
        root.mkdir(parents=True)
        shards = range(-(-faces // SHARD_SIZE))
        for shard in shards:
            numbers = range(shard * SHARD_SIZE, min((shard + 1) * SHARD_SIZE, faces))
            for number in numbers:
                if number != 5:
                    photograph = np.full((90, 120, 3), (40, 90, 10 * (number % 20)), np.uint8)
                    cv2.imwrite(str(root / f"{number:04d}.png"), photograph)
            commit(workspace, "select", shard, [select_row(n) for n in numbers])
            aligned = [align_row(n, shard) for n in numbers]
            files = [Path(row["crop"]).name for row in aligned if row.get("crop")]
            if "align" in stages:
                crops = dict.fromkeys(files, np.full((128, 128, 3), 128, np.uint8))
                commit(workspace, "align", shard, aligned, crops, ["select"])
            if "heatmaps" in stages:
                rows = [
                    {
                        "face_id": row["face_id"],
                        "status": "ok" if row["status"] == "ok" else "skipped",
                        "reason": None if row["status"] == "ok" else "no crop",
                        "heatmap": row.get("crop"),
                        "channels": 1,
                        "sigma": 2.0,
                    }
                    for row in aligned
                ]
                planes = dict.fromkeys(files, np.eye(128, dtype=np.uint8) * 255)
                commit(workspace, "heatmaps", shard, rows, planes, ["align"])
            if "aus" in stages:
                above = ["select", "align"]
                commit(workspace, "aus", shard, [aus_row(n) for n in numbers], None, above)
        config = Config(name="pictures", select={"dataset": "folder"}, align={"detector": "dlib"})
        for stage in ("select", *stages):
            info = {
                "stage": stage,
                "shards": len(shards),
                "settings": getattr(config, stage).settings(),
                "config": config.settings(),
                "versions": {"faceprep": "0.1.0"},
            }
            workspace.write_info(
                stage, {**info, **({"root": str(root)} if stage == "select" else {})}
            )
        return workspace

    return make
