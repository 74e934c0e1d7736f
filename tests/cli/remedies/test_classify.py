"""What ``classify`` says to type when something lacks, and tables of faces that are gone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.classify import (
    configured,
    people,
    with_synthetic,
    write_generator,
)
from builders.training import toy_workspace

from faceprep.cli.remedies import spell
from faceprep.config import TrainConfig
from faceprep.core.errors import Again, FaceprepError, UsageError
from faceprep.core.progress import Progress
from faceprep.evaluation.check.workspace import check_workspace, update_baseline
from faceprep.execution.plan import Options
from faceprep.generators.store import load_trained
from faceprep.report.accuracy.files import write_files
from faceprep.stages.augment.run import run_augment
from faceprep.stages.classify.run import run_classify
from faceprep.workspace.artifacts import generator_file

QUIET = Progress(quiet=True)


def test_missing_faces_are_told_with_the_command_that_makes_them(tmp_path: Path) -> None:
    with_synthetic(tmp_path)
    with pytest.raises(UsageError, match="has 12 synthetic faces, not 3000") as caught:
        run_classify(configured(tmp_path, sweep=(3000,)), QUIET)
    assert spell(caught.value.hint) == f"faceprep augment --workspace {tmp_path} --n 3000"
    with pytest.raises(UsageError, match="the selection has 3 folds") as caught:
        run_classify(configured(tmp_path, folds=5), QUIET)
    assert caught.value.hint[0] == Again({"classify.folds": 3})
    line = spell(caught.value.hint[1])
    assert line.startswith("faceprep align ")
    assert line.endswith(f"--workspace {tmp_path} --set select.folds=5 --overwrite")


def test_more_faces_are_made_with_the_settings_of_those_at_hand(tmp_path: Path) -> None:
    with_synthetic(tmp_path, settings={"mode": "edit", "shard_size": 64})
    with pytest.raises(UsageError, match="has 12 synthetic faces, not 40") as caught:
        run_classify(configured(tmp_path, sweep=(40,)), QUIET)
    hint = spell(caught.value.hint)
    assert hint.startswith(f"faceprep augment --workspace {tmp_path} --n 40 --mode edit")
    assert "augment.shard_size=64" in hint


def test_without_a_generator_that_is_the_first_error(tmp_path: Path) -> None:
    toy_workspace(tmp_path, people=8)
    with pytest.raises(UsageError, match="has no trained exprgan") as caught:
        run_classify(configured(tmp_path, sweep=(4,)), QUIET)
    assert spell(caught.value.hint) == f"faceprep train --only --workspace {tmp_path}"


def test_a_generator_of_every_fold_is_trained_like_the_one_at_hand(tmp_path: Path) -> None:
    workspace = with_synthetic(tmp_path, settings={"mode": "edit"})
    config = {
        **TrainConfig(preset="tiny", size=32, weights={"pixel": 2}).model_dump(mode="json"),
        "sample_every": 7,
    }
    (tmp_path / "train" / "exprgan" / "train.json").write_text(json.dumps({"config": config}))
    with pytest.raises(UsageError, match="has no trained exprgan-fold00") as caught:
        run_classify(configured(tmp_path, sweep=(4,), folds=3), QUIET)
    assert spell(caught.value.hint) == (
        f"for k in $(seq 0 2); do faceprep train --only --workspace {tmp_path}"
        " --set train.preset=tiny --set train.size=32 --set train.weights.pixel=2.0"
        f" --set train.fold=$k; faceprep augment --workspace {tmp_path} --n 4 --mode edit"
        " --set train.fold=$k; done"
    )
    write_generator(workspace, "exprgan-fold00", subjects=people(1, 2))
    with pytest.raises(UsageError, match="exprgan-fold00 has 0 synthetic faces") as caught:
        run_classify(configured(tmp_path, sweep=(4,), folds=3), QUIET)
    assert spell(caught.value.hint) == (
        f"faceprep augment --workspace {tmp_path} --n 4 --mode edit --set train.fold=0"
    )


def test_a_face_that_cannot_be_read_is_named_with_what_makes_it_again(tmp_path: Path) -> None:
    with_synthetic(tmp_path, settings={"mode": "edit"})
    path = tmp_path / "augment" / "exprgan" / "images" / "00000" / "000002.png"
    whole = path.read_bytes()
    zeros = bytes(len(whole))  # of the same size: augment would take it for the one it made
    for spoil in (lambda: path.write_bytes(zeros), path.unlink):
        spoil()
        with pytest.raises(FaceprepError, match=rf"{path} cannot be read") as caught:
            run_classify(configured(tmp_path, sweep=(4,)), QUIET)
        again = f"faceprep augment --workspace {tmp_path} --n 12 --mode edit --overwrite"
        assert spell(caught.value.hint) == again  # as many as there are, not as the table takes
    path.write_bytes(whole)
    shutil.rmtree(tmp_path / "classify")  # the pixels that were read before
    crop = next((tmp_path / "align").rglob("*.png"))
    crop.unlink()
    with pytest.raises(FaceprepError, match=rf"{crop} cannot be read") as caught:
        run_classify(configured(tmp_path), QUIET)
    assert spell(caught.value.hint).startswith("faceprep align ")
    assert f"--workspace {tmp_path}" in spell(caught.value.hint)


def test_a_damaged_generator_is_told_with_the_training_of_this_workspace(tmp_path: Path) -> None:
    with_synthetic(tmp_path)
    file = generator_file(tmp_path)
    whole = file.read_bytes()
    (tmp_path / "train" / "exprgan" / "train.json").write_text('{"config": {"preset": "tiny"}}')
    config = configured(tmp_path, sweep=(4,))
    again = f"faceprep train --only --workspace {tmp_path} --set train.preset=tiny --overwrite"
    for data in (whole[:-5], whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(data)
        tries: list[Callable[[], object]] = [
            lambda: run_classify(config, QUIET),
            lambda: load_trained(tmp_path),
            lambda: run_augment(config, 4, Options(overwrite=True), QUIET),
        ]
        for attempt in tries[: 3 if len(data) < len(whole) else 2]:  # the last is for the workers
            with pytest.raises(FaceprepError, match="is not a usable checkpoint") as caught:
                attempt()
            assert spell(caught.value.hint) == again


def test_a_table_of_other_faces_than_those_at_hand_is_refused(tmp_path: Path) -> None:
    workspace = with_synthetic(tmp_path)
    config = configured(tmp_path, sweep=(4,), updates=3)
    write_files(config, run_classify(config, QUIET))
    baseline = tmp_path / "baseline.json"
    update_baseline(tmp_path, baseline, "the first")
    marker = workspace.marker_path("augment/exprgan", 0)
    before = marker.read_text()
    assert check_workspace(tmp_path, baseline).gate is not None
    marker.write_text(json.dumps({**json.loads(before), "config": "other"}))
    command = (
        f"faceprep classify --only --workspace {tmp_path} --sweep 4 --seeds 1"
        " --set classify.batch=8 --set classify.look_every=3 --set classify.near_duplicates=0"
        " --set classify.size=32 --set classify.updates=3"
    )
    written = baseline.read_bytes()
    with pytest.raises(FaceprepError, match="out of date: the synthetic faces") as caught:
        update_baseline(tmp_path, baseline, "again")
    assert spell(caught.value.hint) == command
    assert baseline.read_bytes() == written
    with pytest.raises(FaceprepError, match="out of date: the synthetic faces") as caught:
        check_workspace(tmp_path, baseline)
    marker.write_text(before)
    align = workspace.marker_path("align", 0)
    align.write_text(json.dumps({**json.loads(align.read_text()), "input": "other"}))
    with pytest.raises(FaceprepError, match="selected or aligned again after"):
        check_workspace(tmp_path, baseline)
