"""The settings of a workspace: written, read again, moved, and from earlier versions."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from faceprep.config import Config
from faceprep.config.record import Record
from faceprep.config.sources import resolve
from faceprep.core.errors import UsageError
from faceprep.workspace import Workspace
from faceprep.workspace.remembered import remember, remembered


def config_of(workspace: Path, **flags: Any) -> Config:
    given = {key.replace("__", "."): (str(value), "--set") for key, value in flags.items()}
    return resolve(
        flags={"workspace": (str(workspace), "--workspace"), **given},
        environment={},
        local_file=Path("/nonexistent/faceprep.toml"),
        remembered=remembered,
    ).config


def test_a_folder_without_results_remembers_nothing(tmp_path: Path) -> None:
    assert remembered(tmp_path / "none") is None
    assert config_of(tmp_path).demo is not None


def test_the_next_command_has_the_same_settings(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    first = config_of(
        tmp_path / "ws",
        select__dataset="folder",
        select__root=tmp_path / "photos",
        align__detector="dlib",
        train__weights__q=2,
        workers=3,
    )
    remember(first, ["select"])
    second = config_of(tmp_path / "ws")
    assert second == first.model_copy(update={"workers": 0}).with_given(second.given)
    assert second.given.typed == first.given.typed


def test_the_demo_stays_the_demo(tmp_path: Path) -> None:
    first = config_of(tmp_path, demo__subjects=3)
    remember(first, ["select"])
    assert config_of(tmp_path).settings() == first.settings()


def test_settings_of_another_verb_are_not_recorded(tmp_path: Path) -> None:
    for stage in ("select", "align"):
        (tmp_path / stage).mkdir()
    remember(config_of(tmp_path, select__dataset="folder", shard_size=12), ["select"])
    remember(config_of(tmp_path, align__detector="dlib", train__seed=3, shard_size=9), ["train"])
    found = remembered(tmp_path)
    assert found is not None
    assert found.values == {"select.dataset": "folder", "shard_size": 12, "train.seed": 3}


def test_a_configuration_that_no_command_resolved_is_not_recorded(tmp_path: Path) -> None:
    remember(Config(workspace=tmp_path), ["select"])
    assert not (tmp_path / "settings.toml").exists()


def test_a_workspace_that_moves_with_its_dataset_finds_it(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "photos").mkdir(parents=True)
    given = {"select__dataset": "folder", "select__root": old / "photos"}
    remember(config_of(old / "ws", **given), ["select"])
    shutil.copytree(old, new)
    assert config_of(new / "ws").select.root == old / "photos"  # it is still there
    shutil.rmtree(old)
    assert config_of(new / "ws").select.root == new / "photos"
    shutil.rmtree(new / "photos")
    assert config_of(new / "ws").select.root == old / "photos"  # what the message names


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[align\n")
    with pytest.raises(UsageError, match=r"settings\.toml, line 1"):
        remembered(tmp_path)


def old_workspace(root: Path, **stages: dict[str, Any]) -> None:
    for stage, info in stages.items():
        Workspace(root).write_info(stage, info)


def test_earlier_versions_recorded_settings_stage_by_stage(tmp_path: Path) -> None:
    words = {"3.0": "fear", "not sure": None}
    given = {"name": "folder", "shard_size": 100, "demo": None}
    given["select"] = {"dataset": "folder", "limit": 9, "words": words}
    given["aus"] = {"backend": "auto"}
    aus = {**given, "select": {"dataset": "folder"}, "aus": {"backend": "landmarks"}}
    old_workspace(
        tmp_path,
        select={"config": given, "root": "/data/faces", "source": None, "table": "/data/t.csv"},
        aus={"config": aus, "locations": {"aus.openface_bin": "/opt/my bin"}},
    )
    assert remembered(tmp_path) == Record(
        {
            "name": "folder",
            "select.dataset": "folder",
            "select.limit": 9,
            "select.words.3.0": "fear",
            "select.words.not sure": None,
            "select.root": "/data/faces",
            "select.table": "/data/t.csv",
            "aus.backend": "landmarks",
            "aus.openface_bin": "/opt/my bin",
        },
        frozenset({"select.root", "select.table", "aus.openface_bin"}),
    )


def test_earlier_versions_drew_the_demo_into_the_workspace(tmp_path: Path) -> None:
    given = Config.model_validate({"demo": {"subjects": 3}, "shard_size": 9}).settings()
    root = str((tmp_path / "dataset").absolute())
    old_workspace(tmp_path, select={"config": json.loads(json.dumps(given)), "root": root})
    found = remembered(tmp_path)
    assert found is not None
    assert found.values == {
        "name": "demo",
        "demo": {},
        "demo.subjects": 3,
        "train.preset": "tiny",
        "shard_size": 9,
    }
