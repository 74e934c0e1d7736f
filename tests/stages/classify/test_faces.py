"""Split of the faces: the held-out subjects."""

import dataclasses
from pathlib import Path

import pytest
from builders.classify import configured, people
from builders.training import toy_workspace

from faceprep.config import ClassifyConfig
from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.stages.classify import plan
from faceprep.stages.classify.faces import RealFaces, Splits, load_faces
from faceprep.stages.classify.run import run_classify

QUIET = Progress(quiet=True)


def test_val_is_left_out_where_there_is_one(tmp_path: Path) -> None:
    toy_workspace(tmp_path, people=8, S3="val")
    result = run_classify(configured(tmp_path, seeds=2), QUIET)
    for done in result.run_results:
        assert done.held_out == people(3)
        assert done.trained_on == people(0, 1, 2, 4, 5)


@pytest.mark.parametrize(("count", "told"), [(1, "one person"), (2, "2 people")])
def test_a_table_needs_three_people(tmp_path: Path, count: int, told: str) -> None:
    toy_workspace(tmp_path, people=count)
    with pytest.raises(UsageError, match=f"the selected faces show {told}"):
        run_classify(configured(tmp_path), QUIET)


def test_who_is_left_out_follows_from_seed_and_fold(tmp_path: Path) -> None:
    toy_workspace(tmp_path, people=12)
    faces = load_faces(tmp_path, ClassifyConfig())
    held = {
        (seed, fold): tuple(Splits(faces, 0.2).split(fold, seed).held_out)
        for seed in range(6) for fold in (None, 0, 1)
    }  # fmt: skip
    assert len({*held.values()}) > 8
    assert all(len(one) == 8 for one in held.values())  # two of ten, or of eight, people
    assert tuple(Splits(faces, 0.2).split(None, 3).held_out) == held[3, None]


def without_training_faces(tmp_path: Path, expression: str) -> RealFaces:
    """Eight people, the last two the test's; one expression is only in the test."""
    toy_workspace(tmp_path, people=8)
    faces = load_faces(tmp_path, ClassifyConfig())
    kept = ((faces.table["expression"] != expression) | (faces.table["split"] == "test")).to_numpy()
    return dataclasses.replace(faces, table=faces.table[kept], labels=faces.labels[kept])


def test_an_expression_that_nobody_trains_is_not_tested_unless_asked_for(tmp_path: Path) -> None:
    faces = without_training_faces(tmp_path, "anger")
    anger = faces.classes.index("anger")
    splits = Splits(faces, 0.2)
    assert splits.untrained(None) == {"anger": 2}
    tested = faces.labels[splits.split(None, 0).test]
    assert anger not in tested
    assert len(tested) == 6
    assert anger in faces.labels[Splits(faces, 0.2, untrained=True).split(None, 0).test]


def test_the_table_says_what_nobody_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = without_training_faces(tmp_path, "anger")
    monkeypatch.setattr(plan, "load_faces", lambda workspace, options: faces)
    result = run_classify(configured(tmp_path, sweep=(), arms=("plain",)), QUIET)
    said = "no training face shows anger: its 2 test faces are not in the score"
    assert [note for note in result.notes if note.startswith(said)]
    assert len(result.rows[0].answers.labels) == 6
    asked = configured(tmp_path, sweep=(), arms=("plain",), untrained=True)
    result = run_classify(asked, QUIET)
    assert "count as wrong" in " ".join(result.notes)
    assert len(result.rows[0].answers.labels) == 8


def test_no_tested_expression_that_is_trained_is_an_error(tmp_path: Path) -> None:
    faces = without_training_faces(tmp_path, "anger")
    kept = ((faces.table["split"] == "train") | (faces.table["expression"] == "anger")).to_numpy()
    faces = dataclasses.replace(faces, table=faces.table[kept], labels=faces.labels[kept])
    with pytest.raises(UsageError, match="a training face shows: anger"):
        Splits(faces, 0.2).split(None, 0)
