"""Synthetic faces: the same bytes on every way to them, nobody of the test among the sources."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from builders.augment import (
    LABELS,
    EveryThird,
    all_files,
    augment_config,
    generator_workspace,
    make_faces,
    pictures,
)
from builders.training import toy_workspace

from faceprep.cli.remedies import spell
from faceprep.config import Config
from faceprep.core.errors import FaceprepError, ManifestError, UsageError
from faceprep.core.image_header import read_text
from faceprep.core.images import read_image
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.stages.augment import run as augment
from faceprep.stages.augment.gpu_engine import run_on_gpu
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard
from faceprep.workspace.synthetic import load_synthetic, synthetic_record

MIX = {"mode": "mix", "mix": {"new": 1.0, "edit": 2.0}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with 70 faces, made in one go; to be read only."""
    root = tmp_path_factory.mktemp("made") / "ws"
    generator_workspace(root)
    make_faces(root, 70, **MIX)
    return root


def test_rows_say_what_the_pictures_are(made: Path) -> None:
    faces = load_synthetic(made)
    assert len(faces) == 70
    assert faces["index"].tolist() == list(range(70))
    assert faces["expression"].tolist() == [LABELS[k % 4] for k in range(70)]
    assert set(faces["status"]) == {"ok"}
    assert faces["intensity"].between(0.7, 1).all()
    edits = faces[faces["mode"] == "edit"]
    assert len(edits) == pytest.approx(70 * 2 / 3, abs=4)
    assert faces[faces["mode"] == "new"]["source_face_id"].isna().all()
    # Subjects 4 and 5 are the test's; an edit never has the expression of its source.
    assert {name.split("/")[1] for name in edits["source_face_id"]} == {"S0", "S1", "S2", "S3"}
    shown = edits["source_face_id"].str.rsplit("/").str[-1]
    assert (shown != edits["expression"]).all()
    for code, label in zip(faces["code"], faces["expression"], strict=True):
        blocks = np.array(code).reshape(4, 5)
        assert (blocks[LABELS.index(label)] > 0).all()
        assert (np.delete(blocks, LABELS.index(label), axis=0) < 0).all()


def test_pictures_differ_and_say_that_they_are_synthetic(made: Path) -> None:
    faces = load_synthetic(made, n=70)
    assert len(set(faces["crop_sha256"])) == 70
    for index in (0, 69):
        row = faces.iloc[index]
        words = read_text(Path(row["crop"]).read_bytes())
        assert words["synthetic"] == "true"
        assert words["generator"] == "exprgan"
        assert words["checkpoint"] == row["checkpoint"]
        assert (words["seed"], words["index"]) == ("0", str(index))
        assert read_image(Path(row["crop"])).shape == (32, 32, 3)


def test_the_record_names_whom_the_faces_know(made: Path) -> None:
    record = synthetic_record(made)
    assert record["subjects"] == [f"folder/S{k}" for k in range(4)]
    assert record["judge"] is None
    assert record["images"] == 70
    assert sum(record["faces"].values()) == 70


def test_a_larger_set_contains_the_smaller_one(made: Path, tmp_path: Path) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    for count in (5, 30, 30, 70):
        make_faces(root, count, **MIX)
        assert load_synthetic(root, n=count)["crop_sha256"].tolist() == (
            load_synthetic(made, n=count)["crop_sha256"].tolist()
        )
    before = {p: p.stat().st_mtime_ns for p in (root / "augment").rglob("part-*")}
    result = make_faces(root, 20, **MIX)
    assert (result.made, result.images) == (0, 70)
    assert before == {p: p.stat().st_mtime_ns for p in (root / "augment").rglob("part-*")}
    assert pictures(root) == pictures(made)


@pytest.mark.parametrize("way", ["workers", "threads", "device", "shards"])
def test_every_way_gives_the_same_bytes(
    way: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    before = torch.get_num_threads()
    if way == "threads":
        torch.set_num_threads(2)
    if way == "device":
        monkeypatch.setattr(augment, "_engine", lambda plan: run_on_gpu)
    if way == "shards":
        for part in (3, 1, 2):
            make_faces(root, 70, 1, Options(shard=(part, 3)), **MIX)
    make_faces(root, 70, 2 if way in ("workers", "device") else 1, **MIX)
    torch.set_num_threads(before)
    assert all_files(root) == all_files(made)


def test_seed_generator_and_settings_make_other_faces(made: Path, tmp_path: Path) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    make_faces(root, 30, **MIX)
    first = pictures(root)
    anew = Options(overwrite=True)
    assert make_faces(root, 30, 1, anew, **MIX, intensity=0.2).made == 30
    assert len(set(pictures(root).values()) & set(first.values())) == 0
    assert load_synthetic(root)["intensity"].tolist() == pytest.approx([0.2] * 30)
    result = make_faces(root, 8, 1, anew, **MIX, seed=1)
    assert result.images == len(load_synthetic(root)) == 8
    assert not {*first.values()} & {*pictures(root).values()}


def test_a_run_cut_off_between_two_settings_is_not_read(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    make_faces(root, 70)
    make_faces(root, 70, 1, Options(shard=(1, 3), overwrite=True), seed=1)
    with pytest.raises(ManifestError, match="different settings"):
        load_synthetic(root, n=70)
    make_faces(root, 70, seed=1)
    assert set(load_synthetic(root, n=70)["seed"]) == {1}


def test_too_few_faces_are_an_error_that_says_what_to_type(made: Path) -> None:
    with pytest.raises(UsageError, match="has 70 synthetic faces, not 71") as error:
        load_synthetic(made, n=71)
    assert "faceprep augment" in spell(error.value.hint)
    config = Config.model_validate({"workspace": str(made), "train": {"fold": 3}})
    with pytest.raises(UsageError, match="has no trained exprgan-fold03") as error:
        augment.run_augment(config, 5, Options(), Progress(quiet=True))
    assert spell(error.value.hint).endswith("--set train.fold=3")


def test_faces_of_another_device_are_kept(made: Path, tmp_path: Path) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    make_faces(root, 10)
    config = augment_config(root)
    with pytest.raises(FaceprepError, match="computed on cpu") as error:
        augment.run_augment(config, 10, Options(dry_run=True), Progress(quiet=True), "cuda")
    assert "--device cpu" in spell(error.value.hint)


def test_somebody_on_both_sides_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    plant(root, split="test", face="folder/S0/anger")
    with pytest.raises(FaceprepError, match="S0 is in train and in test"):
        make_faces(root, 8, mode="edit")
    assert not (root / "augment").exists()


def plant(root: Path, face: str, **values: object) -> None:
    """Change a face's row of ``select``."""
    workspace = Workspace(root)
    rows = workspace.read("select", 0).to_pylist()
    rows = [{**row, **(values if row["face_id"] == face else {})} for row in rows]
    with pending_shard(workspace, "select", 0) as pending:
        pending.commit(
            table_from_rows("select", rows), input_hash="i", config_hash="c", provenance={},
            seconds=0.0,
        )  # fmt: skip


def two_folders(root: Path, more: Path) -> None:
    """Two workspaces of photographs that lie apart."""
    generator_workspace(root)
    toy_workspace(more, 8)  # S4 and S5 train there, and are tested here
    for workspace in (root, more):
        Workspace(workspace).write_info("select", {"shards": 1, "root": str(workspace / "photos")})


def test_other_faces_are_edited_where_nobody_is_tested_here(tmp_path: Path) -> None:
    root, more = tmp_path / "ws", tmp_path / "more"
    two_folders(root, more)
    plant(more, "folder/S1/anger", expression=None)
    made = make_faces(root, 60, mode="other", sources=str(more))
    assert made.modes == {"other": 60}
    # A folder's names mean nothing in another folder: it is files that must not be the same.
    assert synthetic_record(root)["subjects"] == [f"elsewhere:folder/S{k}" for k in range(6)]
    assert "folder/S1/anger" in set(load_synthetic(root)["source_face_id"])
    for workspace, face in ((root, "folder/S5/anger"), (more, "folder/S0/anger")):
        plant(workspace, face, sha256="same")
    with pytest.raises(FaceprepError, match=r"1 files of .* tested here"):
        make_faces(root, 60, mode="other", sources=str(more))


def test_equal_names_in_two_copies_of_a_dataset_are_refused(tmp_path: Path) -> None:
    root, more = tmp_path / "ws", tmp_path / "more"
    two_folders(root, more)
    for workspace, face in ((root, "folder/S5/anger"), (more, "folder/S5/anger")):
        plant(workspace, face, dataset="oulu-casia")
    with pytest.raises(FaceprepError, match=r"S5 of .* is watched or tested here") as error:
        make_faces(root, 8, mode="other", sources=str(more))
    assert "distinct_people" in spell(error.value.hint)
    make_faces(root, 8, mode="other", sources=str(more), distinct_people=True)
    people = synthetic_record(root)["subjects"]
    assert all(name.startswith("elsewhere:") for name in people)


def test_sources_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    root, more = tmp_path / "ws", tmp_path / "more"
    generator_workspace(root)
    with pytest.raises(UsageError, match="this workspace itself"):
        make_faces(root, 8, mode="other", sources=str(root))
    workspace = toy_workspace(more)
    workspace.write_info("align", {"shards": 1, "settings": {"template": "arcface"}})
    with pytest.raises(UsageError, match="aligned to arcface"):
        make_faces(root, 8, mode="other", sources=str(more))
    with pytest.raises(FaceprepError, match="show anger: none can be edited to it"):
        make_faces(root, 8, mode="edit", source_expressions=["anger"])
    with pytest.raises(UsageError, match="no training face can be edited"):
        make_faces(root, 8, mode="edit", source_expressions=["contempt"])


@pytest.mark.parametrize(
    "values", [{"mode": "other"}, {"mix": {"edit": 1.0}}, {"intensity": [0.8, 0.2]},
               {"intensity": 1.2}, {"mode": "mix", "mix": {"edit": 0.0}}],
)  # fmt: skip
def test_impossible_settings(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"the workspace that|mode=mix|range|greater than 0"):
        Config.model_validate({"augment": values})


def test_the_filter_keeps_balance_and_prefixes_and_says_what_it_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(augment, "_quality_filter", lambda plan, progress: EveryThird())
    chosen = {**MIX, "filter": "judge", "tries": 4}
    for name, counts in (("whole", (60,)), ("grown", (11, 37, 60))):
        generator_workspace(tmp_path / name)
        for count in counts:
            result = make_faces(tmp_path / name, count, **chosen)
    assert pictures(tmp_path / "whole") == pictures(tmp_path / "grown")
    faces = load_synthetic(tmp_path / "whole")
    assert set(faces["expression"].value_counts()) == {15}
    sums = [read_image(Path(path)).astype(int).sum() % 3 for path in faces["crop"]]
    assert [total == 0 for total in sums] == (faces["status"] == "ok").tolist()
    doubtful = faces[faces["status"] == "doubtful"]
    assert 0 < len(doubtful) < 30
    assert (doubtful["rejected_judge"] == 4).all()
    assert doubtful["reason"].str.startswith("the best of 4: read as somebody else").all()
    assert faces[faces["status"] == "ok"]["rejected_judge"].between(0, 3).all()
    total = sum(kinds["judge"] for kinds in result.rejected.values())
    assert total == faces["rejected_judge"].sum() > 20
    assert sum(result.doubtful.values()) == len(doubtful)


def test_killed_at_random_it_ends_in_the_same_bytes(made: Path, tmp_path: Path) -> None:
    root = tmp_path / "ws"
    generator_workspace(root)
    script = (
        "import sys; sys.path[:0] = ['tests'];"
        "from builders.augment import make_faces; from pathlib import Path;"
        f"make_faces(Path({str(root)!r}), 70, 2, mode='mix', mix={{'new': 1.0, 'edit': 2.0}})"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    folder = root / "augment" / "exprgan"
    process = subprocess.Popen([sys.executable, "-c", script], env=environment)
    while process.poll() is None and not list(folder.glob("*.tmp")):
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.05))
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    psutil.wait_procs(workers, timeout=60)  # else the next command takes them for running ones
    make_faces(root, 70, **MIX)
    assert all_files(root) == all_files(made)
    assert not list(folder.glob("*.tmp"))
