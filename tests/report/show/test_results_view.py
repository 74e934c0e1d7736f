"""What ``show`` and ``status`` say of training, synthetic faces and accuracies."""

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders.augment import LABELS, generator_workspace, make_faces
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner, Result

from faceprep.cli import app
from faceprep.core.files import file_sha256, here
from faceprep.execution.plan import Options
from faceprep.report.show.results_view import accuracy_view, best_gain
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_file, generator_folder
from faceprep.workspace.inputs import inputs_of

STAGE = "augment/exprgan"


def faceprep(*words: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "250"})
    assert done.exit_code == code, done.output + done.stderr
    return done


def table() -> dict[str, object]:
    """An accuracy table as ``accuracy.json`` has it."""
    sure = {"value": 0.7, "low": 0.6, "high": 0.8}
    one_person = {"value": 0.75, "low": None, "high": None}
    gain = {"accuracy": {"value": 0.05, "low": -0.02, "high": 0.1}, "mcnemar": 0.25}
    plain = {"arm": "flips", "synthetic": 0, "accuracy": sure, "gain": None}
    helped = {"arm": "flips", "synthetic": 3000, "accuracy": one_person, "gain": gain}
    fell = {"accuracy": {"value": -0.006, "low": -0.07, "high": 0.05}, "mcnemar": 1.0}
    ends = {"with": {"arm": "flips", "synthetic": 3000}, "without": {"arm": "logistic"}}
    ends["gain"] = fell
    counts = {"test_faces": 12, "test_subjects": 2}
    return {"rows": [plain, helped], "best": ends, "notes": ["[few] people"], **counts}


def test_a_table_of_unknown_people_is_called_so() -> None:
    view = {**table(), "unknown_people": "nobody is known", "why": None, "files": []}
    shown = Console(width=120, record=True, file=io.StringIO())
    shown.print(*accuracy_view(view), sep="\n")
    text = shown.export_text()
    assert "not subject-independent: nobody is known" in text
    assert "subjects classified" not in text


def stopped_training(root: Path) -> None:
    """A training that stopped after 3 of 5 steps, of which the history tells."""
    folder = generator_folder(root)
    faces = dict.fromkeys(LABELS, 4)
    plan = {"preset": "tiny", "size": 32, "people": 4, "faces": faces, "steps": {"joint": 5}}
    about = {"steps": 3, "seconds": 8.5, "images_per_second": 4.0, "plan": plan}
    finding = {"findings": {"z": "the code [dims] are dead"}}
    (folder / "train.json").write_text(json.dumps({**about, **finding}))
    steps = {"step": [1, 2, 3], "stage": ["joint"] * 3, "seconds": [1.0] * 3}
    pixel = {"pixel": [0.5, 0.4, 0.3], "late": [None, None, None]}
    pd.DataFrame({**steps, **pixel}).to_parquet(folder / "history.parquet")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty synthetic faces, a training that stopped, an accuracy table; to be read only."""
    root = generator_workspace(tmp_path_factory.mktemp("shown") / "ws").root
    make_faces(root, 30, mode="edit")
    stopped_training(root)
    (root / "classify").mkdir()
    (root / "classify" / "accuracy.json").write_text(json.dumps(table()))
    return root


def test_a_workspace_lists_what_was_made_of_its_faces(root: Path) -> None:
    text = faceprep("show", root).stdout
    for word in ("train/exprgan", "3 of 5 steps", "tiny, 32 px", STAGE, "2/2 shards", "mode edit"):
        assert word in text
    assert "best gain flips 70.0 → 75.0 %, 3,000 faces, +5.0 [-2.0 … +10.0]" in text
    found = json.loads(faceprep("show", root, "--json").stdout)["generated"]
    assert [one["stage"] for one in found] == ["train/exprgan", STAGE, "classify"]
    assert [one["state"] for one in found] == ["unfinished", "done", "done"]


def test_synthetic_faces_are_shown_by_expression_with_first_rows(root: Path) -> None:
    for path in (root / "augment", root / STAGE):
        text = faceprep("show", path).stdout
        assert "edit 30; edited from faces of 4 people" in text
        assert "folder/S" in text
        (found,) = json.loads(faceprep("show", path, "--json").stdout)["generated"]
        assert (found["rows"], found["asked"], found["why"]) == (30, 30, None)
        assert sum(found["faces"].values()) == 30
        assert [row["index"] for row in found["first_rows"]] == [0, 1, 2, 3, 4]
    part = faceprep("show", root / STAGE / "part-00000.parquet").stdout
    assert f"{STAGE} manifest" in part
    assert "mode: edit 24" in part


def test_a_training_is_shown_with_the_end_of_its_history(root: Path) -> None:
    for path in (root / "train", root / "train" / "exprgan"):
        text = faceprep("show", path).stdout
        for word in ("step 3", "mean of 3", "0.4", "preset tiny", "4 people", "code [dims] are"):
            assert word in text
        (found,) = json.loads(faceprep("show", path, "--json").stdout)["generated"]
        assert found["steps"] == [3, 5]
        assert found["history"]["mean"]["pixel"] == pytest.approx(0.4)
        assert [row["step"] for row in found["history"]["last"]] == [1, 2, 3]


def test_a_loss_is_no_best_gain() -> None:
    def row(gain: float) -> dict[str, Any]:
        accuracy = {"value": 0.717, "low": 0.6, "high": 0.8}
        change = {"value": gain, "low": gain - 0.05, "high": gain + 0.05}
        return {
            "arm": "flips", "synthetic": 560, "accuracy": accuracy, "gain": {"accuracy": change}
        }  # fmt: skip

    words = "no gain: at best flips 81.1 → 71.7 %, 560 faces, -9.4 [-14.4 … -4.4]"
    assert best_gain({"rows": [row(-0.094)]}) == words
    assert str(best_gain({"rows": [row(-0.094), row(0.0)]})).startswith("no gain")
    assert str(best_gain({"rows": [row(-0.094), row(0.02)]})).startswith("best gain")


def test_the_accuracy_table_is_shown_again(root: Path) -> None:
    text = faceprep("show", root / "classify").stdout
    for word in ("12 test faces of 2 subjects", "60.0 … 80.0", "+5.0", "-2.0 … +10.0", "0.250"):
        assert word in text
    assert "note: [few] people" in text
    assert "minus best row without (logistic): -0.6 points" in text
    head = next(line for line in text.splitlines() if "its 95 %" in line)
    assert head.rstrip().endswith(" p")
    assert "p: McNemar test on the majority vote of all seeds" in text
    found = json.loads(faceprep("show", root / "classify", "--json").stdout)
    assert (found["kind"], found["generated"][0]["rows"][1]["synthetic"]) == ("classify", 3000)


def test_other_folders_are_no_pages(root: Path, tmp_path: Path) -> None:
    for path in (root / "augment" / "other", root / STAGE / "images", root / "train" / "nobody"):
        assert faceprep("show", path, code=2).stderr.endswith(f"faceprep show {root}\n")
    other = generator_workspace(tmp_path / "ws").root
    (other / "augment").mkdir()
    faceprep("show", other / "augment", code=2)
    faceprep("show", other / "classify", code=2)


def test_a_sheet_of_synthetic_faces(root: Path, tmp_path: Path) -> None:
    sheets = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for sheet, seed in zip(sheets, (0, 0, 1), strict=True):
        words = ("show", root / "augment", "--sheet", sheet, "--per-expression", 3, "--seed", seed)
        drawn = json.loads(faceprep(*words, "--json").stdout)["sheet"]
        assert (drawn["faces"], drawn["placeholders"]) == (3 * len(LABELS), [])
    a, b, c = (sheet.read_bytes() for sheet in sheets)
    assert a == b != c
    with Image.open(sheets[0]) as picture:
        assert picture.text["synthetic"] == "true"
    out = tmp_path / "no.png"
    for path, hint in (("train", "samples"), ("classify", "accuracy.png")):
        assert hint in faceprep("show", root / path, "--sheet", out, code=2).stderr
    assert "is a PNG" in faceprep("show", root / "augment", "--sheet", "a.jpg", code=2).stderr
    assert not out.exists()


def test_a_sheet_needs_one_generator(tmp_path: Path) -> None:
    root = generator_workspace(tmp_path / "ws").root
    make_faces(root, 24)
    (root / STAGE).with_name("exprgan-fold01").symlink_to(root / STAGE)
    refused = faceprep("show", root / "augment", "--sheet", tmp_path / "a.png", code=2)
    assert f"faceprep show {root / STAGE} --sheet" in refused.stderr


def status_of(root: Path) -> dict[str, object]:
    stages = json.loads(faceprep("status", "--workspace", root, "--json").stdout)["stages"]
    return next(stage for stage in stages if stage["stage"] == STAGE)


def test_status_counts_the_shards_that_were_asked_for(tmp_path: Path) -> None:
    root = generator_workspace(tmp_path / "ws").root
    make_faces(root, 60, options=Options(shard=(1, 3)))
    counts = status_of(root)
    assert (counts["shards"], counts["done"], counts["missing"]) == (3, 1, 2)
    in_hand = root / STAGE / f"part-00001.{here()}-{os.getpid()}.tmp"
    in_hand.mkdir()
    assert status_of(root)["running"] == [1]
    in_hand.rmdir()
    Workspace(root).note_failure(STAGE, 2, "no more memory", ["killed"])
    assert status_of(root)["failed"] == [
        {"shards": [2], "error": "no more memory", "log": ["killed"]}
    ]
    make_faces(root, 60)
    assert status_of(root)["done"] == 3
    make_faces(root, 24)
    assert status_of(root)["shards"] == 3
    # Of other settings: those not made again yet are not what was requested.
    make_faces(root, 60, options=Options(shard=(2, 3), overwrite=True), seed=1)
    counts = status_of(root)
    assert (counts["shards"], counts["done"]) == (3, 1)


def test_faces_of_an_earlier_generator_are_stale(tmp_path: Path) -> None:
    root = generator_workspace(tmp_path / "ws").root
    make_faces(root, 30)
    other = generator_workspace(tmp_path / "other", seed=1).root
    file = generator_folder(root) / "generator.safetensors"
    file.write_bytes((generator_folder(other) / "generator.safetensors").read_bytes())
    (_, found) = json.loads(faceprep("show", root, "--json").stdout)["generated"]
    assert (found["state"], found["done"], found["stale"]) == ("stale", 0, [0, 1])
    assert "the generator was trained again after these faces" in faceprep("show", root).stdout


def test_totals_of_an_earlier_run_are_said_to_be_that(tmp_path: Path) -> None:
    root = generator_workspace(tmp_path / "ws").root
    make_faces(root, 48)
    assert "as of the last finished run" not in faceprep("show", root / STAGE).stdout
    info = (root / STAGE / "stage.json").read_bytes()
    make_faces(root, 48, options=Options(shard=(2, 2), overwrite=True), seed=1)
    (root / STAGE / "stage.json").write_bytes(info)  # as a run that was killed leaves it
    text = faceprep("show", root / STAGE).stdout
    assert "as of the last finished run, 48 faces:" in text


def test_a_table_of_faces_that_are_gone_is_stale(tmp_path: Path) -> None:
    workspace = generator_workspace(tmp_path / "ws")
    root, checkpoint = workspace.root, file_sha256(generator_file(workspace.root))
    make_faces(root, 48)
    made_of = inputs_of(workspace, {"exprgan": (checkpoint, 24)})
    (root / "classify").mkdir()
    (root / "classify" / "accuracy.json").write_text(json.dumps({**table(), "made_of": made_of}))

    def state() -> tuple[str, str | None]:
        found = json.loads(faceprep("show", root, "--json").stdout)["generated"][-1]
        return found["state"], found["why"]

    make_faces(root, 60)  # more of the same
    assert state() == ("done", None)
    make_faces(root, 24, options=Options(overwrite=True), seed=1)
    assert state() == ("stale", "the synthetic faces of exprgan were made again after this table")
    assert "exprgan were made again after this table" in faceprep("show", root / "classify").stdout
    make_faces(root, 24, options=Options(overwrite=True))
    assert state() == ("done", None)
    shutil.rmtree(root / "augment")  # to make room
    assert state() == ("done", None)
    other = generator_workspace(tmp_path / "other", seed=1).root
    generator_file(root).write_bytes(generator_file(other).read_bytes())
    assert state() == ("stale", "the generator exprgan was trained again after this table")
