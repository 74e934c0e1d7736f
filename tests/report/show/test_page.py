import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from faceprep.cli.remedies import spell
from faceprep.cli.remedies.stages import stage_command
from faceprep.config import STAGES, Config
from faceprep.config.sources import resolve
from faceprep.core.errors import Again, ManifestError, UsageError
from faceprep.report.show.formats import age
from faceprep.report.show.page import show
from faceprep.report.status.status import status
from faceprep.report.tables.console import as_text
from faceprep.workspace import Workspace
from faceprep.workspace.discover import find_workspaces
from faceprep.workspace.remembered import remembered

Make = Callable[..., Workspace]


def look(path: Path | None) -> tuple[str, dict[str, Any]]:
    """What a person sees, and what a program gets after a round through JSON."""
    renderables, data = show(path, spell)
    return as_text(renderables, 120), json.loads(json.dumps(data, default=spell))


def rows(workspace: Workspace, stage: str) -> pd.DataFrame:
    tables = [pd.read_parquet(path) for path in sorted(workspace.folder(stage).glob("*.parquet"))]
    return pd.concat(tables, ignore_index=True)


def test_counts_are_those_of_the_manifests(make_workspace: Make) -> None:
    workspace = make_workspace(faces=50)
    text, data = look(workspace.root)
    stages = {stage["stage"]: stage for stage in data["stages"]}
    for name in ("align", "heatmaps", "aus"):
        found = rows(workspace, name)["status"].value_counts().to_dict()
        assert stages[name]["status"] == found
        assert stages[name]["rows"] == 50
        assert stages[name]["state"] == "done"
        assert (stages[name]["done"], stages[name]["shards"]) == (5, 5)
    joined = rows(workspace, "select").merge(rows(workspace, "align"), on="face_id")
    for cell in data["expressions"]:
        here = joined[
            (joined["expression"] == cell["expression"]) & (joined["split"] == cell["split"])
        ]
        assert cell["selected"] == len(here)
        assert cell["aligned"] == (here["status"] == "ok").sum()
    assert sum(cell["selected"] for cell in data["expressions"]) == 50
    assert data["next"] is None
    assert "everything is up to date" in text
    assert "45 of 50" not in text  # 1 unreadable and 5 without a face leave 44
    assert "44 of 50" in text


def test_failures_are_grouped_by_reason_whatever_the_numbers(make_workspace: Make) -> None:
    _, data = look(make_workspace(faces=50).root)
    groups = {group["status"]: group for group in data["failures"]}
    assert groups["no_face"]["faces"] == 5
    assert groups["no_face"]["example"] == "folder/S000/0008"
    assert groups["unreadable"] == {
        "stage": "align",
        "status": "unreadable",
        "reason": "truncated at byte 812",
        "faces": 1,
        "example": "folder/S005/0005",
    }


def test_mean_intensities_are_over_faces_that_are_ok(make_workspace: Make) -> None:
    workspace = make_workspace(faces=50)
    text, data = look(workspace.root)
    joined = rows(workspace, "select").merge(rows(workspace, "aus"), on="face_id")
    joined = joined[joined["status"] == "ok"]
    for expression, means in data["action_units"].items():
        here = joined[joined["expression"] == expression]
        assert means["AU12"] == pytest.approx(np.mean(here["AU12_r"]), abs=1e-3)
    assert "AU12 3.00" in text


def test_missing_unfinished_and_stale_name_the_command(make_workspace: Make) -> None:
    workspace = make_workspace(faces=24, stages=("align", "heatmaps"))
    text, data = look(workspace.root)
    assert data["next"]["why"] == "aus has not run yet"
    assert data["next"]["command"] == f"faceprep aus --workspace {workspace.root}"
    assert "faceprep aus" in text

    workspace.marker_path("align", 2).unlink()
    _, data = look(workspace.root)
    stages = {stage["stage"]: stage for stage in data["stages"]}
    assert stages["align"]["state"] == "unfinished"
    assert stages["heatmaps"]["stale"] == [2]
    assert data["next"]["command"].startswith("faceprep align")


def test_a_stage_made_from_other_input_is_stale(make_workspace: Make) -> None:
    workspace = make_workspace()
    marker = json.loads(workspace.marker_path("align", 1).read_text())
    workspace.marker_path("align", 1).write_text(json.dumps({**marker, "content": "other"}))
    _, data = look(workspace.root)
    stages = {stage["stage"]: stage for stage in data["stages"]}
    assert stages["align"]["state"] == "done"
    assert stages["heatmaps"]["state"] == stages["aus"]["state"] == "stale"
    assert data["next"]["why"].endswith("of heatmaps were made from other input or other settings")


def test_a_damaged_part_is_named(make_workspace: Make) -> None:
    workspace = make_workspace()
    workspace.part("align", 1).write_bytes(b"PAR1 and then nothing")
    text, data = look(workspace.root)
    assert data["damaged"] == ["align/part-00001.parquet is not what was written"]
    assert data["next"]["command"].startswith("faceprep align")
    assert "damaged: align/part-00001.parquet" in text


def test_what_run_repairs_is_damage(make_workspace: Make) -> None:
    workspace = make_workspace()
    assert look(workspace.root)[1]["damaged"] == []
    crops = sorted(workspace.images("align", 0).iterdir())
    crops[0].unlink()
    cut = workspace.images("heatmaps", 1) / sorted(workspace.images("heatmaps", 1).iterdir())[0]
    cut.write_bytes(cut.read_bytes()[:-1])
    workspace.part("aus", 2).unlink()
    text, data = look(workspace.root)
    assert data["damaged"] == [
        f"align/images/00000: {len(crops) - 1} images of {len(crops)}",
        "heatmaps/images/00001: an image is not what was written",
        "aus/part-00002.parquet: No such file or directory",
    ]
    assert data["next"]["why"] == "1 of 3 shards of align are damaged"
    assert "everything is up to date" not in text
    stages = {stage["stage"]: stage for stage in status(workspace.root)[1]["stages"]}
    assert (stages["align"]["done"], stages["align"]["missing"]) == (2, 1)
    printed = as_text(status(workspace.root)[0])
    assert "damaged: heatmaps/images/00001: an image is not what was written" in printed


def test_the_command_survives_odd_paths_and_repeats_settings_elsewhere(
    make_workspace: Make,
) -> None:
    workspace = make_workspace(name="my faces")
    assert (
        stage_command("aus", workspace.root, {}) == f"faceprep aus --workspace '{workspace.root}'"
    )
    line = stage_command("aus", workspace.root, {"workspace": workspace.root.with_name("b")})
    assert "--set align.detector=dlib" in line
    assert "sigma" not in line


@pytest.mark.parametrize("dataset", ["celeba", "folder", "oulu-casia"])
def test_the_command_brings_the_same_settings_back(tmp_path: Path, dataset: str) -> None:
    wanted = Config(
        workspace=tmp_path,
        shard_size=70,
        select={"dataset": dataset, "split": "random", "limit": 12, "unlabelled": True},
        align={"detector": "dlib", "min_confidence": 0.25},
        heatmaps={"channels": 68},
    )
    workspace = Workspace(tmp_path)
    for stage in STAGES:
        settings = {**getattr(wanted, stage).settings(), "resolved": "not a key of the section"}
        info = {"config": wanted.settings(), "settings": settings, "root": str(tmp_path)}
        workspace.write_info(stage, {**info, "table": "labels 2.csv"})
    _, verb, *words = shlex.split(stage_command("aus", workspace.root, {}))
    assert (verb, words) == ("aus", ["--workspace", str(tmp_path)])
    config = resolve(
        flags={"workspace": (str(tmp_path), "--workspace")},
        environment={},
        local_file=tmp_path / "none",
        remembered=remembered,
    ).config
    assert config.settings() == wanted.settings()
    assert config.dataset_root() == tmp_path
    assert config.select.table == Path("labels 2.csv")


def test_a_demo_workspace_needs_no_dataset(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write_info("select", {"config": {"demo": {"subjects": 12, "layout": "oulu-casia"}}})
    assert stage_command("align", workspace.root, {}) == f"faceprep align --workspace {tmp_path}"
    elsewhere = stage_command("align", workspace.root, {"workspace": tmp_path / "b"})
    assert elsewhere == f"faceprep align --set demo.subjects=12 --workspace {tmp_path / 'b'}"


def test_one_stage(make_workspace: Make) -> None:
    workspace = make_workspace()
    text, data = look(workspace.folder("align"))
    assert data["kind"] == "stage"
    assert [shard["rows"] for shard in data["shard_list"]] == [10, 10, 4]
    assert data["settings"]["detector"] == "dlib"
    assert "00002" in text


@pytest.mark.parametrize("suffix", [".parquet", ".json"])
def test_one_manifest(make_workspace: Make, suffix: str) -> None:
    workspace = make_workspace()
    text, data = look(workspace.part("align", 0).with_suffix(suffix))
    assert data["kind"] == "manifest"
    assert data["stage"] == "align"
    assert data["rows"] == 10
    assert data["problem"] is None
    assert data["counts"]["status"] == {"no_face": 1, "ok": 8, "unreadable": 1}
    assert data["provenance"]["versions"] == {"faceprep": "0.1.0"}
    types = {column["name"]: column["type"] for column in data["columns"]}
    assert types["landmarks68"] == "float[136]"
    assert data["first_rows"][0]["face_id"] == "folder/S000/0000"
    assert "provenance" in text


def test_a_manifest_that_breaks_the_rules_says_so(make_workspace: Make) -> None:
    import pyarrow.parquet as pq

    path = make_workspace().part("align", 0)
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["matrix"]), path)
    _, data = look(path)
    assert "missing ['matrix']" in data["problem"]


def test_any_parquet_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pd.DataFrame({"a": range(5000), "b": "[bold]x"}).to_parquet(path)
    text, data = look(path)
    assert (data["stage"], data["rows"]) == (None, 5000)
    assert "faceprep did not write" in " ".join(text.split())  # a long path folds the line
    assert "[bold]x" in text


def test_a_corrupt_manifest_is_an_error(make_workspace: Make) -> None:
    path = make_workspace().part("align", 0)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ManifestError, match="not readable Parquet"):
        show(path, spell)


def test_elsewhere_the_nearest_workspace_is_named(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(name="ck-plus")
    for path in (tmp_path, workspace.root / "align" / "images", workspace.root / "train"):
        with pytest.raises(UsageError) as caught:
            show(path, spell)
        assert caught.value.hint == Again({"workspace": workspace.root})
    with pytest.raises(UsageError, match="nothing-here"):
        show(tmp_path / "sub" / "nothing-here", spell)


def test_without_a_path_the_only_workspace_is_shown(
    make_workspace: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no workspace below manifests"):
        show(None, spell)
    make_workspace(name="manifests/demo")
    assert look(None)[1]["name"] == "pictures"
    make_workspace(name="manifests/demo2")
    with pytest.raises(UsageError, match="which workspace") as caught:
        show(None, spell)
    assert caught.value.hint == Again({"workspace": Path("manifests", "demo")})
    assert len(find_workspaces(Path())) == 2


def test_ages_read_like_a_person_says_them(make_workspace: Make) -> None:
    assert [age(s) for s in (None, 5, 240, 7200, 200_000)] == [
        "",
        "5 s ago",
        "4 min ago",
        "2 h ago",
        "2 days ago",
    ]
    workspace = make_workspace()
    for marker in workspace.folder("align").glob("*.json"):
        os.utime(marker, (60, 60))
    _, data = look(workspace.root)
    assert {s["stage"]: s["updated"] for s in data["stages"]}["align"].startswith("1970")
