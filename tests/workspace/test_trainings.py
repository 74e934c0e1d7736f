"""Detection of generators whose training is not finished."""

import json
from pathlib import Path

import pytest

from faceprep.workspace.artifacts import ASKED, INFO, generator_file
from faceprep.workspace.trainings import note_of_unfinished, training_steps


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = generator_file(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text("weights")
    return path


def record(file: Path, steps: int) -> None:
    plan = {"steps": {"first": 2, "second": 3}}
    (file.parent / INFO).write_text(json.dumps({"steps": steps, "plan": plan}))


def test_a_training_that_was_stopped_is_told(file: Path, tmp_path: Path) -> None:
    record(file, 4)
    assert training_steps(file.parent) == (4, 5)
    note = note_of_unfinished(tmp_path, file)
    assert note is not None
    assert "exprgan is not finished (4 of 5 steps)" in note[0]
    assert (note[1].verb, note[1].overrides) == ("train", {"generator": "exprgan"})


def test_a_training_that_goes_on_is_told(file: Path, tmp_path: Path) -> None:
    record(file, 5)
    (file.parent / ASKED).write_text("{}")
    note = note_of_unfinished(tmp_path, file)
    assert note is not None
    assert "not finished, so" in note[0]


def test_a_finished_training_and_a_file_from_elsewhere_need_no_note(
    file: Path, tmp_path: Path
) -> None:
    assert note_of_unfinished(tmp_path, file) is None  # put there by hand
    record(file, 5)
    assert note_of_unfinished(tmp_path, file) is None
    record(file, 4)
    other = tmp_path / "other.safetensors"
    other.write_text("weights")
    assert note_of_unfinished(tmp_path, other) is None
    assert note_of_unfinished(tmp_path / "elsewhere", file) is None
