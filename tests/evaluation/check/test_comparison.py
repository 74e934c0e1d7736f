"""The gate on accuracy, on planted tables."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.cli.remedies import spell
from faceprep.core.errors import FaceprepError
from faceprep.evaluation.check.baseline import Baseline, read_baseline, write_baseline
from faceprep.evaluation.check.comparison import compare, differences, summarise
from faceprep.evaluation.check.workspace import check_workspace, update_baseline
from faceprep.workspace.schemas import METADATA_KEY

RUNNER = CliRunner()
SPREAD = (-0.02, -0.01, 0.0, 0.01, 0.02)


def planted(
    accuracies: dict[int, float],
    seeds: int = 5,
    total: int = 200,
    folds: int = 1,
    arm: str = "flips",
) -> pd.DataFrame:
    """A table whose accuracies differ by seeds around what is asked for."""
    rows = []
    for count, accuracy in accuracies.items():
        for seed in range(seeds):
            for fold in range(folds):
                correct = round((accuracy + SPREAD[seed % 5]) * total)
                rows.append(
                    {
                        "generator": "exprgan",
                        "arm": arm,
                        "n_synthetic": count,
                        "seed": seed,
                        "fold": fold if folds > 1 else -1,
                        "correct": correct,
                        "total": total,
                        "accuracy": correct / total,
                        "balanced_accuracy": correct / total - 0.01,
                        "clip_accuracy": correct / total,
                        "ci_low": 0.5,
                        "ci_high": 0.9,
                    }
                )
    return pd.DataFrame(rows)


def baseline(table: pd.DataFrame) -> Baseline:
    return Baseline(summarise(table), {"train.steps": 300}, "the first", {"torch": "2.6.0"})


def workspace(root: Path, table: pd.DataFrame, **settings: object) -> Path:
    """A workspace with nothing but a table."""
    (root / "classify").mkdir(parents=True, exist_ok=True)
    record = {"settings": {"updates": 600, "seeds": 5, **settings}, "versions": {"torch": "2.6.0"}}
    content = pa.Table.from_pandas(table, preserve_index=False)
    content = content.replace_schema_metadata({METADATA_KEY: json.dumps(record).encode()})
    pq.write_table(content, root / "classify" / "accuracy.parquet")
    return root


def faceprep(*words: object, code: int):
    result = RUNNER.invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output + result.stderr
    return result


TABLE = planted({0: 0.70, 3000: 0.80})


def test_a_row_is_the_mean_over_its_seeds_and_its_band_their_spread() -> None:
    first, second = summarise(TABLE)
    assert (first.name, first.seeds, first.total) == ("exprgan, flips, 0 synthetic", 5, 200)
    assert first.value == pytest.approx({"accuracy": 0.70, "balanced_accuracy": 0.69})
    assert second.value["accuracy"] == pytest.approx(0.80)
    deviation = np.std(SPREAD, ddof=1)
    assert first.tolerance["accuracy"] == pytest.approx(3 * deviation * np.sqrt(2 / 5), abs=1e-6)


def test_folds_count_by_their_faces() -> None:
    table = planted({0: 0.5}, seeds=1, folds=2)
    table.loc[1, ["total", "correct", "accuracy", "balanced_accuracy"]] = [100, 90, 0.9, 0.9]
    (entry,) = summarise(table)
    assert entry.total == 300
    assert entry.value["accuracy"] == pytest.approx((table["correct"].sum()) / 300, abs=1e-6)


def test_equal_seeds_still_leave_a_face_and_one_seed_two() -> None:
    same = planted({0: 0.7}, seeds=1)
    again = pd.concat([same.assign(seed=seed) for seed in range(3)])
    assert summarise(again)[0].tolerance["accuracy"] == pytest.approx(1 / 200)
    assert summarise(same)[0].tolerance["accuracy"] == pytest.approx(2 / 200)


@pytest.mark.parametrize(
    ("fall", "passes"), [(0.0, True), (0.02, True), (0.05, False), (0.4, False), (-0.1, True)]
)
def test_it_fails_where_a_mean_lies_below_its_band(fall: float, passes: bool) -> None:
    gate = compare(baseline(TABLE), planted({0: 0.70, 3000: 0.80 - fall}), {"train.steps": 300})
    assert gate.passed is passes
    fell = {(row.key[2], row.measure) for row in gate.regressions}
    both = {(3000, "accuracy"), (3000, "balanced_accuracy")}
    assert fell == (set() if passes else both)
    assert all(row.improved == (fall < 0 and row.key[2] == 3000) for row in gate.rows)


def test_more_rows_than_the_baseline_are_fine_fewer_are_not() -> None:
    more = planted({0: 0.70, 3000: 0.80, 6000: 0.1})
    gate = compare(baseline(TABLE), more, {"train.steps": 300})
    assert gate.passed
    assert gate.more == (("exprgan", "flips", 6000),)
    with pytest.raises(FaceprepError, match="lacks 1 of 2 rows: exprgan, flips, 3000") as error:
        compare(baseline(TABLE), planted({0: 0.70}), {"train.steps": 300})
    assert spell(error.value.hint) == "faceprep classify"
    other = planted({0: 0.7, 3000: 0.8}, arm="mixup")
    with pytest.raises(FaceprepError, match="lacks 2 of 2 rows"):
        compare(baseline(TABLE), other, {"train.steps": 300})


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (planted({0: 0.70, 3000: 0.80}, total=100), "tested on 100 faces, the baseline on 200"),
        (planted({0: 0.70, 3000: 0.80}, seeds=3), "3 seeds, the baseline has 5"),
        (TABLE.drop(columns="balanced_accuracy"), "lacks the column balanced_accuracy"),
        (TABLE.iloc[:0], "is empty"),
        (TABLE.assign(accuracy=np.nan), "no share from 0 to 1"),
        (TABLE.assign(total=0), "without test faces"),
        (pd.concat([TABLE, TABLE.iloc[:1]]), "exprgan flips 0 0 -1 twice"),
    ],
)
def test_a_table_that_cannot_be_compared(table: pd.DataFrame, words: str) -> None:
    with pytest.raises(FaceprepError, match=words):
        compare(baseline(TABLE), table, {"train.steps": 300})


def test_other_settings_are_named() -> None:
    with pytest.raises(FaceprepError, match=r"train.steps 300 → 3") as error:
        compare(baseline(TABLE), TABLE, {"train.steps": 3})
    assert error.value.exit_code == 2
    assert differences({"a": 1, "b": 2}, {"b": 2, "c": 3}) == {"a": (1, None), "c": (None, 3)}


def test_other_versions_are_told_and_no_reason_to_fail() -> None:
    gate = compare(baseline(TABLE), TABLE, {"train.steps": 300}, {"torch": "2.7.0"})
    assert gate.passed
    assert gate.versions == {"torch": ("2.6.0", "2.7.0")}


def test_a_baseline_comes_back_as_it_was(tmp_path: Path) -> None:
    written = baseline(TABLE)
    path = tmp_path / "baselines" / "demo.json"
    write_baseline(path, written)
    assert read_baseline(path) == written
    assert list(path.parent.iterdir()) == [path]
    text = path.read_text()
    write_baseline(path, written)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.pop("entries"), "damaged"),
        (lambda data: data.update(entries=[]), "rows are missing"),
        (lambda data: data.update(entries=data["entries"][:1] * 2), "double"),
        (lambda data: data["entries"][0]["value"].update(accuracy="0.9"), "no share"),
        (lambda data: data["entries"][0]["tolerance"].pop("accuracy"), "measures"),
        (lambda data: data["entries"][0].update(total=True), "no whole number"),
        (lambda data: data["settings"].update({"train.steps": 3}), "do not match their hash"),
        (lambda data: data.update(version=2), "is of version 2, this is 1"),
        (lambda data: data.update(reason=None), "no text"),
    ],
)
def test_a_damaged_baseline_is_refused(tmp_path: Path, change, words: str) -> None:
    path = tmp_path / "demo.json"
    write_baseline(path, baseline(TABLE))
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(FaceprepError, match=words) as error:
        read_baseline(path, "faceprep check --update")
    mends = "faceprep check --update" if "version" in words else f"git checkout {path}"
    assert spell(error.value.hint).endswith(mends)
    assert ("if it is a damaged baseline" in spell(error.value.hint)) is ("entries" not in data)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "\x00"])
def test_a_file_that_is_no_baseline(tmp_path: Path, text: str) -> None:
    path = tmp_path / "demo.json"
    path.write_text(text)
    with pytest.raises(FaceprepError, match=r"damaged|cannot be read"):
        read_baseline(path)


def test_the_settings_of_the_whole_way_are_compared_but_not_how_much_was_measured(
    tmp_path: Path,
) -> None:
    root, path = workspace(tmp_path / "ws", TABLE), tmp_path / "demo.json"
    (root / "train" / "exprgan").mkdir(parents=True)
    record = root / "train" / "exprgan" / "train.json"
    record.write_text(json.dumps({"config": {"steps": 300, "weights": {"pixel": 1.0}}}))
    update_baseline(root, path, "the first")
    assert read_baseline(path).settings == {
        "classify.updates": 600,
        "train.steps": 300,
        "train.weights.pixel": 1.0,
    }
    workspace(root, TABLE, seeds=7, sweep=[0])
    assert check_workspace(root, path).gate.passed
    record.write_text(json.dumps({"config": {"steps": 3, "weights": {"pixel": 1.0}}}))
    with pytest.raises(FaceprepError, match=r"train.steps 300 → 3"):
        check_workspace(root, path)


def test_an_update_replaces_a_baseline_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = workspace(Path("ws"), TABLE)
    words = ("check", "--workspace", root, "--baseline")
    update = ("--update", "--reason", "x")
    whole = json.dumps({"version": 1, "entries": []})
    spoilt = {"cut off": whole[:-1], "merged": f"<<<<<<< HEAD\n{whole}", "other.json": "{}"}
    for name, text in {**spoilt, "notes.toml": "a = 1\n", "empty": ""}.items():
        Path(name).write_text(text)
        error = faceprep(*words, name, *update, code=1).stderr
        assert f"not written over: the baseline {name} " in error
        assert f"another FILE, or, if it is a damaged baseline: rm {shlex.quote(name)}\n" in error
        assert Path(name).read_text() == text
        assert "another FILE" in faceprep(*words, name, code=1).stderr
    table = (root / "classify" / "accuracy.parquet").read_bytes()
    faceprep(*words, "ws/classify/accuracy.parquet", *update, code=1)
    assert (root / "classify" / "accuracy.parquet").read_bytes() == table
    for name in (".", "ws/classify"):
        for more in ((), update):
            error = faceprep(*words, name, *more, code=2).stderr
            assert "is a directory" in error
            assert "checkout" not in error
    for text in (whole, json.dumps({"version": 2, "entries": None})):  # by hand, of another version
        Path("demo.json").write_text(text)
        faceprep(*words, "demo.json", *update, code=0)
        faceprep(*words, "demo.json", code=0)


def test_with_folds_the_trainings_of_all_of_them_are_compared_and_no_other(tmp_path: Path) -> None:
    folded = planted({0: 0.7, 3000: 0.8}, folds=2)
    root, path = workspace(tmp_path / "ws", folded), tmp_path / "demo.json"

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
    workspace(root, folded.drop(columns="fold"))
    with pytest.raises(FaceprepError, match="lacks the column fold"):
        check_workspace(root, path)


def test_the_command_passes_fails_and_updates(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    root, path = workspace(tmp_path / "ws", TABLE), tmp_path / "demo.json"
    words = ("check", "--baseline", path, "--workspace", root)
    missing = faceprep(*words, code=2)
    assert "no baseline" in missing.stderr
    anew = f"faceprep check --workspace {root} --baseline {path} --update --reason TEXT\n"
    assert missing.stderr.endswith(anew)
    needs = faceprep(*words, "--update", code=2).stderr
    assert "needs a reason" in needs
    assert needs.endswith(anew)
    assert not path.exists()
    alone = faceprep(*words, "--reason", "x", code=2).stderr
    assert "goes with --update" in alone
    assert alone.endswith(anew)
    faceprep(*words, "--update", "--reason", "the  first", code=0)
    assert read_baseline(path).reason == "the first"
    assert "rose" not in faceprep(*words, code=0).output
    workspace(root, planted({0: 0.70, 3000: 0.60}))
    fell = faceprep(*words, code=4)
    assert fell.output.count("FELL") == 2
    assert "−0.200" in fell.output
    assert "2 of 4 numbers fell below the baseline" in fell.stderr
    assert fell.stderr.endswith(anew)
    data = json.loads(faceprep(*words, "--json", code=4).stdout)
    assert [row["regressed"] for row in data["rows"]] == [False, False, True, True]
    before = path.read_text()
    (root / "classify" / "accuracy.parquet").write_bytes(b"PAR1 cut off")
    assert "cannot be read" in faceprep(*words, "--update", "--reason", "x", code=1).stderr
    assert path.read_text() == before
    (root / "classify" / "accuracy.parquet").unlink()
    (root / "select").mkdir()
    (root / "select" / "stage.json").write_text("{}")
    nothing = faceprep(*words, code=2).stderr
    assert "no accuracy table" in nothing
    table = f"faceprep classify --only --workspace {root} --sweep 0,3000 --seeds 5"
    assert nothing.endswith(f"{table} --set classify.updates=600\n")


def test_a_workspace_that_is_not_there_is_said_to_be_none(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for more in ((), ("--update", "--reason", "x")):
        words = ("check", "--baseline", "demo.json", "--workspace", "nope", *more)
        assert "there is no workspace nope" in faceprep(*words, code=2).stderr
    assert not Path("demo.json").exists()


def test_what_is_lacking_is_told_with_the_command_of_all_rows_of_the_baseline(
    tmp_path: Path,
) -> None:
    root, path = tmp_path / "a ws", tmp_path / "demo.json"
    both = pd.concat([TABLE, planted({0: 0.7}, arm="classic")])
    settings = {"updates": 300, "size": 32, "generator": "exprgan", "even": True}
    update_baseline(workspace(root, both, **settings), path, "the first")
    expected = (
        f"faceprep classify --only --workspace '{root}' --sweep 0,3000 --arms flips,classic@0"
        " --seeds 5 --set classify.even=true --set classify.size=32 --set classify.updates=300"
    )
    for table in (planted({0: 0.7}), both[both["seed"] < 3]):
        workspace(root, table, **settings)
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


def test_rows_that_the_baseline_lacks_are_named_and_measures_fit_80_columns(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    root, path = workspace(tmp_path / "ws", TABLE), tmp_path / "demo.json"
    update_baseline(root, path, "the first")
    workspace(root, planted({0: 0.70, 3000: 0.80, 6000: 0.9}))
    words = ("check", "--baseline", path, "--workspace", root)
    text = faceprep(*words, code=0).stdout
    assert "not in the baseline, so not compared: exprgan, flips, 6000 synthetic" in text
    assert " balanced " in text
    assert "…" not in text
    data = json.loads(faceprep(*words, "--json", code=0).stdout)
    assert data["more"] == ["exprgan, flips, 6000 synthetic"]


def test_whose_faces_were_edited_is_compared_but_not_how_often_a_training_looks(
    tmp_path: Path,
) -> None:
    root, path = workspace(tmp_path / "ws", TABLE), tmp_path / "demo.json"
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
