"""The compared settings of a table, and the command that makes a table again."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from builders.accuracy_table import TABLE, planted_table, table_workspace

from faceprep.cli.remedies import spell
from faceprep.core.errors import FaceprepError
from faceprep.evaluation.check.baseline import read_baseline, write_baseline
from faceprep.evaluation.check.workspace import check_workspace, update_baseline


def test_settings_of_all_stages_are_compared_but_not_amounts(
    tmp_path: Path,
) -> None:
    root, path = table_workspace(tmp_path / "ws", TABLE), tmp_path / "demo.json"
    (root / "train" / "exprgan").mkdir(parents=True)
    record = root / "train" / "exprgan" / "train.json"
    record.write_text(json.dumps({"config": {"steps": 300, "weights": {"pixel": 1.0}}}))
    update_baseline(root, path, "the first")
    assert read_baseline(path).settings == {
        "classify.updates": 600,
        "train.steps": 300,
        "train.weights.pixel": 1.0,
    }
    table_workspace(root, TABLE, seeds=7, sweep=[0])
    assert check_workspace(root, path).gate.passed
    record.write_text(json.dumps({"config": {"steps": 3, "weights": {"pixel": 1.0}}}))
    with pytest.raises(FaceprepError, match=r"train.steps 300 → 3"):
        check_workspace(root, path)


def test_the_trainings_of_all_folds_are_compared_and_no_other(tmp_path: Path) -> None:
    folded = planted_table({0: 0.7, 3000: 0.8}, folds=2)
    root, path = table_workspace(tmp_path / "ws", folded), tmp_path / "demo.json"

    def trained(name: str, preset: str, fold: int | None) -> None:
        for verb, file in (("train", "train.json"), ("augment", "stage.json")):
            (root / verb / name).mkdir(parents=True, exist_ok=True)
            record = {"config": {"preset": preset, "fold": fold}, "settings": {"fold": fold}}
            (root / verb / name / file).write_text(json.dumps(record))

    for fold in (0, 1):
        trained(f"exprgan-fold{fold:02d}", "tiny", fold)
    trained("exprgan", "classic", None)
    trained("exprgan-fold02", "classic", 2)
    update_baseline(root, path, "the first")
    alike = {"augment.fold": 0, "train.fold": 0, "train.preset": "tiny"}
    assert read_baseline(path).settings == {"classify.updates": 600, **alike}
    trained("exprgan", "modern", None)
    assert check_workspace(root, path).gate.passed
    trained("exprgan-fold01", "modern", 1)
    with pytest.raises(FaceprepError, match=r"train.preset tiny → \['tiny', 'modern'\]"):
        check_workspace(root, path)
    update_baseline(root, path, "two presets")
    assert check_workspace(root, path).gate.passed
    table_workspace(root, folded.drop(columns="fold"))
    with pytest.raises(FaceprepError, match="lacks the column fold"):
        check_workspace(root, path)


def test_missing_rows_suggest_the_command_of_all_rows_of_the_baseline(
    tmp_path: Path,
) -> None:
    root, path = tmp_path / "a ws", tmp_path / "demo.json"
    both = pd.concat([TABLE, planted_table({0: 0.7}, arm="classic")])
    settings = {"updates": 300, "size": 32, "generator": "exprgan", "even": True}
    update_baseline(table_workspace(root, both, **settings), path, "the first")
    expected = (
        f"faceprep classify --only --workspace '{root}' --sweep 0,3000 --arms flips,classic@0"
        " --seeds 5 --set classify.even=true --set classify.size=32 --set classify.updates=300"
    )
    for table in (planted_table({0: 0.7}), both[both["seed"] < 3]):
        table_workspace(root, table, **settings)
        with pytest.raises(FaceprepError, match=r"lacks 2 of 3|3 seeds") as error:
            check_workspace(root, path)
        assert spell(error.value.hint) == expected
    new = read_baseline(path)
    write_baseline(path, replace(new, entries=tuple(sorted(new.entries, key=lambda one: one.key))))
    (root / "classify" / "accuracy.parquet").write_bytes(b"PAR1 cut off")
    report = root / "classify" / "accuracy.json"
    for arms in (["flips", "classic@0"], ["flips"]):  # a baseline of before, which was sorted
        report.write_text(json.dumps({"settings": {"arms": arms, "sweep": [0]}}))
        with pytest.raises(FaceprepError, match="cannot be read") as error:
            check_workspace(root, path)
        assert spell(error.value.hint) == expected


def test_edited_subjects_are_compared_but_not_intervals_of_checkpoints(
    tmp_path: Path,
) -> None:
    root, path = table_workspace(tmp_path / "ws", TABLE), tmp_path / "demo.json"
    records = {}
    for verb, name in (("train", "train.json"), ("augment", "stage.json")):
        (root / verb / "exprgan").mkdir(parents=True)
        records[verb] = root / verb / "exprgan" / name
    config = {"steps": 300, "sample_every": 5, "checkpoint_every": 5, "compile": True}
    records["train"].write_text(json.dumps({"config": {**config, "recipe": {"augment": False}}}))
    made = {"settings": {"mode": "other"}, "sources": {"other": ["celeba/00001"]}}
    records["augment"].write_text(json.dumps(made))
    update_baseline(root, path, "the first")
    settings = read_baseline(path).settings
    assert {name for name in settings if name.startswith("train.")} == {
        "train.steps", "train.recipe.augment",
    }  # fmt: skip
    old = {**settings, "train.sample_every": 500, "train.compile": True}
    write_baseline(path, replace(read_baseline(path), settings=old))
    assert check_workspace(root, path).gate.passed
    records["augment"].write_text(json.dumps({**made, "sources": {"other": ["celeba/00002"]}}))
    with pytest.raises(FaceprepError, match=r"augment\.sources"):
        check_workspace(root, path)
