"""``classify`` over a workspace: what it trains, refuses and writes."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from builders.classify import configured, people, synthetic_faces, with_synthetic, write_generator
from builders.training import LABELS, WITHOUT_FEATURES, picture, toy_workspace
from rich.console import Console

from faceprep.cli.remedies import spell
from faceprep.config import AugmentConfig, Config, TrainConfig
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.progress import Progress
from faceprep.execution import local
from faceprep.execution.plan import Options
from faceprep.report.accuracy.files import latex, write_files
from faceprep.report.accuracy.table import accuracy_tables, plan_tables
from faceprep.stages.augment.run import run_augment
from faceprep.stages.classify.faces import load_faces
from faceprep.stages.classify.run import run_classify
from faceprep.stages.classify.synthetic import find_synthetic
from faceprep.stages.train.run import run_train
from faceprep.workspace.schemas import METADATA_KEY

QUIET = Progress(quiet=True)


def test_every_row_has_the_same_test_faces_and_the_people_on_whom_it_stops(tmp_path: Path) -> None:
    with_synthetic(tmp_path)
    result = run_classify(configured(tmp_path, sweep=(4, 8), arms=("flips", "plain@0")), QUIET)
    assert [(one.row.arm, one.row.synthetic) for one in result.rows] == [
        ("flips", 0), ("flips", 4), ("flips", 8), ("plain", 0),
    ]  # fmt: skip
    assert len({tuple(run.split.test) for run in result.runs}) == 1
    assert len({tuple(done.held_out) for done in result.run_results}) == 1
    tested = {*result.rows[0].answers.subjects.tolist()}
    assert tested == {*people(6, 7)}
    for done in result.run_results:
        assert sorted({*done.trained_on, *done.held_out}) == people(0, 1, 2, 3, 4, 5)
        assert not {*done.trained_on} & {*done.held_out}
    assert [one.against and (one.against.arm, one.against.synthetic) for one in result.rows] == [
        None, ("flips", 0), ("flips", 0), ("flips", 0),
    ]  # fmt: skip
    rows = [run.synthetic.rows.tolist() for run in result.runs if run.synthetic]
    assert rows == [list(range(4)), list(range(8))]
    assert result.best is not None
    assert result.best[0].synthetic > 0 == result.best[1].synthetic


def test_edits_of_people_who_are_left_out_are_not_trained_on(tmp_path: Path) -> None:
    names = [f"folder/S{person}/anger" for person in range(6)]
    with_synthetic(tmp_path, sources=names)
    result = run_classify(configured(tmp_path, sweep=(12,)), QUIET)
    (run,) = [run for run in result.runs if run.synthetic]
    (held,) = {done.held_out[0] for done in result.run_results}
    out = names.index(f"{held}/anger")
    assert run.synthetic.rows.tolist() == [i for i in range(12) if i % 6 != out]


def test_a_table_of_pictures_without_people_is_not_subject_independent(tmp_path: Path) -> None:
    workspace = with_synthetic(tmp_path)
    counts = {"train": {"frames": 24}, "test": {"frames": 8}}
    people = {"source": None, "unknown": 32}
    workspace.write_info("select", {"summary": {"people": people, "splits": counts}})
    config = configured(tmp_path, sweep=(), arms=("plain",))
    result = run_classify(config, QUIET)
    parts, data = accuracy_tables(config, result, {})
    console = Console(width=200, file=io.StringIO())
    console.print(*parts, sep="\n")
    text = console.file.getvalue()
    assert "not subject-independent: nobody can be told apart" in text
    assert "subjects" not in text
    assert data["subject_independent"] is False
    assert latex(result).splitlines()[1].startswith("% not subject-independent")


def test_times_are_multiples_of_the_training_faces(tmp_path: Path) -> None:
    with_synthetic(tmp_path, count=24)
    result = run_classify(configured(tmp_path, times=(0, 0.5, 1)), QUIET)
    assert [one.row.synthetic for one in result.rows] == [0, 12, 24]


def test_folds_test_everybody_once_with_the_generator_of_their_fold(tmp_path: Path) -> None:
    workspace = toy_workspace(tmp_path, people=9)
    everybody = {*range(9)}
    for fold in range(3):
        name = f"exprgan-fold{fold:02d}"
        rest = people(*sorted(everybody - {*range(fold, 9, 3)}))
        checkpoint = write_generator(workspace, name, subjects=rest)
        synthetic_faces(workspace, checkpoint, name=name)
    result = run_classify(configured(tmp_path, folds=3, sweep=(4,), seeds=2), QUIET)
    assert len(result.runs) == 2 * 3 * 2
    for one in result.rows:
        assert len(one.answers.labels) == 9 * len(LABELS)
        assert sorted({*one.answers.subjects.tolist()}) == people(*everybody)
        assert not np.isnan(one.accuracy.accuracy.low)
    write_generator(workspace, "exprgan-fold01", subjects=people(*everybody))
    with pytest.raises(FaceprepError, match="exprgan-fold01"):
        run_classify(configured(tmp_path, folds=3, sweep=(4,)), QUIET)


def test_a_row_without_a_usable_face_is_refused_and_so_is_a_split_without_training(
    tmp_path: Path,
) -> None:
    with_synthetic(tmp_path / "made")  # anger is the first
    config = configured(tmp_path / "made", sweep=(1, 8), classes=("happiness", "surprise"))
    with pytest.raises(UsageError, match="none of the first 1 synthetic faces") as caught:
        run_classify(config, QUIET)
    assert caught.value.hint.overrides == {"classify.sweep": [0, 10]}
    split = dict.fromkeys(("S0", "S1", "S2", "S3"), "val")
    toy_workspace(tmp_path / "split", people=6, **split)
    with pytest.raises(UsageError, match="in the split train") as caught:
        run_classify(configured(tmp_path / "split"), QUIET)
    assert spell(caught.value.hint).endswith("--set select.split=random --overwrite")


def test_the_same_command_trains_only_what_is_missing(tmp_path: Path) -> None:
    toy_workspace(tmp_path, people=8)
    config = configured(tmp_path, seeds=3)
    first = run_classify(config, QUIET)
    assert first.trained == 3
    path = first.runs[1].path
    path.write_bytes(path.read_bytes()[:100])  # as a disk that was full leaves it
    again = run_classify(config, QUIET)
    assert again.trained == 1
    assert [repr(one.accuracy) for one in again.rows] == [repr(one.accuracy) for one in first.rows]
    assert run_classify(configured(tmp_path, seeds=4), QUIET).trained == 1
    assert run_classify(configured(tmp_path, seeds=3, updates=7), QUIET).trained == 3
    for anew in (False, True):
        planned = run_classify(config, QUIET, overwrite=anew, dry_run=True)
        (row,) = plan_tables(config, planned)[1]["rows"]
        assert (row["trainings"], row["done"]) == (3, 0 if anew else 3)
    assert run_classify(config, QUIET, overwrite=True).trained == 3


def test_training_anew_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_workspace(tmp_path, people=8)
    config = configured(tmp_path, seeds=3)
    run_classify(config, QUIET)

    whole = local.run

    def stopped(jobs: list[Any], work: Any, workers: int) -> Iterator[Any]:
        yield from whole(jobs[:1], work, workers)
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "run", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_classify(config, QUIET, overwrite=True)
    monkeypatch.undo()
    assert run_classify(config, QUIET).trained == 2


def test_a_longer_sweep_keeps_the_rows_of_a_shorter_one(tmp_path: Path) -> None:
    with_synthetic(tmp_path)
    assert run_classify(configured(tmp_path, sweep=(4,)), QUIET).trained == 2
    assert run_classify(configured(tmp_path, sweep=(4, 12)), QUIET).trained == 1
    assert run_classify(configured(tmp_path, sweep=(4, 8, 12)), QUIET).trained == 1


def test_the_files_are_what_the_table_says_and_the_same_every_time(tmp_path: Path) -> None:
    with_synthetic(tmp_path)
    config = configured(tmp_path, sweep=(4,), seeds=2)
    result = run_classify(config, QUIET)
    written = write_files(config, result)
    bytes_before = {name: Path(path).read_bytes() for name, path in written.items()}
    cells = pd.read_parquet(written["accuracy"])
    assert list(cells.columns) == [
        "generator", "arm", "n_synthetic", "seed", "fold", "correct", "total", "accuracy",
        "balanced_accuracy", "clip_accuracy", "ci_low", "ci_high",
    ]  # fmt: skip
    assert len(cells) == 4
    assert (cells["total"] == 2 * len(LABELS)).all()
    assert cells["clip_accuracy"].isna().all()  # stills
    told = pd.read_parquet(written["predictions"])
    right = told["expression"] == told["predicted"]
    by_row = right.groupby(told["n_synthetic"]).mean()
    for one in result.rows:
        assert by_row[one.row.synthetic] == pytest.approx(one.accuracy.accuracy.value)
    probabilities = told[[f"p_{name}" for name in LABELS]]
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    confusions = pd.read_parquet(written["confusion"])
    assert confusions.groupby("n_synthetic")["faces"].sum().tolist() == [8, 8]
    about = json.loads(pq.read_schema(written["accuracy"]).metadata[METADATA_KEY])
    assert about["settings"]["updates"] == 6
    assert about["versions"]["torch"]
    lines = Path(written["csv"]).read_text().splitlines()
    assert len(lines) == 3
    assert float(lines[1].split(",")[2]) == pytest.approx(
        result.rows[0].accuracy.accuracy.value, abs=1e-5
    )
    latex = Path(written["tex"]).read_text()
    assert latex.count(r"\\") == 3
    assert "flips & 4 &" in latex
    assert Path(written["plot"]).read_bytes().startswith(b"\x89PNG")
    write_files(config, run_classify(config, QUIET, overwrite=True))
    for name, path in written.items():
        assert Path(path).read_bytes() == bytes_before[name], name


def test_copies_of_test_faces_among_the_synthetic_ones_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = [picture(6 + i // 4 % 2, i % 4) for i in range(8)]
    fresh = [picture(2000 + i, i % 4) for i in range(4)]
    with_synthetic(tmp_path, pictures=[*copied, *fresh])

    class Pixels:
        name = "pixels"

        def provenance(self) -> dict[str, str]:
            return {"name": "pixels"}

        def embed(self, x: Any) -> Any:
            return x.flatten(1)

    monkeypatch.setattr("faceprep.faces.features.load_features", lambda *_, **__: Pixels())
    config = configured(tmp_path, sweep=(12,), near_duplicates=100)
    near = run_classify(config, QUIET).near
    assert near is not None
    assert (near.suspicious, near.synthetic.smallest) == (8, 0)
    assert near.closest[0].test.startswith("folder/S")
    assert run_classify(config, QUIET).near == near


def test_logistic_takes_a_row_like_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_synthetic(tmp_path)
    from builders.training import ToyFeatures

    class Toy(ToyFeatures):
        perceptual_layers = ("low", "low", "high")

        def provenance(self) -> dict[str, str]:
            return {"name": "toy"}

    monkeypatch.setattr("faceprep.faces.features.load_features", lambda *_, **__: Toy())
    arms = ("logistic", "flips@0")
    result = run_classify(configured(tmp_path, sweep=(12,), arms=arms), QUIET)
    assert [one.row.name for one in result.rows] == ["logistic", "logistic, 12 synthetic", "flips"]
    assert result.rows[0].accuracy.accuracy.value > 0.5


def test_what_train_and_augment_leave_is_trusted_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A generator of fold 1, its edits of training people, and the table of that fold's people."""
    monkeypatch.setattr("faceprep.stages.train.run._losses", lambda *_: None)
    toy_workspace(tmp_path, people=6)
    train: dict[str, Any] = {
        "preset": "tiny", "size": 32, "steps": 1, "batch": 4, "fold": 1, "calibrate": 0,
        "weights": WITHOUT_FEATURES,
        "networks": {"width": 4, "d_width": 4, "path_width": 4, "d_features": 16},
    }  # fmt: skip
    config = configured(tmp_path, sweep=(8,), folds=3)
    made = Config(
        workspace=tmp_path,
        workers=1,
        train=TrainConfig(**train),
        augment=AugmentConfig(mode="edit"),
    )
    run_train(made, QUIET)
    run_augment(made, 8, Options(), QUIET)
    found = find_synthetic(config, 1, 8, load_faces(tmp_path, config.classify))
    seen = people(0, 2, 3, 5)
    assert found.touched["the generator"] == seen
    assert {*found.touched["the sources of synthetic faces"]} <= {*seen}
    assert {*found.source_subjects.tolist()} <= {*seen}
    assert sorted({*found.labels.tolist()}) == [0, 1, 2, 3]
    held = {found.source_subjects[0]}
    assert {*found.source_subjects[found.rows(8, held)]}.isdisjoint(held)
    with pytest.raises(UsageError) as caught:
        run_classify(config, QUIET)
    hint = spell(caught.value.hint)
    assert hint.startswith("for k in $(seq 0 2); do faceprep train ")
    assert "--set train.networks.path_width=4 " in hint
    assert "train.fold=1" not in hint
