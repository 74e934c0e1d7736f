"""A table is refused if a component of it saw a test subject."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from builders.classify import configured, people, synthetic_faces, with_synthetic, write_generator
from builders.training import toy_workspace

from faceprep.cli.remedies import spell
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.progress import Progress
from faceprep.stages.classify.faces import Split, Splits
from faceprep.stages.classify.run import run_classify

QUIET = Progress(quiet=True)


@pytest.mark.parametrize(
    ("what", "saw", "changes"),
    [
        ("the generator", "S6", {"seen": people(0, 1, 6)}),
        ("the sources of synthetic faces", "S7", {"sources": ["folder/S7/anger"]}),
        ("the sources of synthetic faces", "S7", {"subjects": people(1, 7)}),
        ("the judge of synthetic faces", "S6", {"judge": {"subjects": people(2, 6)}}),
        ("the filter of synthetic faces", "S6", {"filter": {"subjects": people(6)}}),
    ],
)
def test_a_table_is_refused_when_what_made_the_faces_saw_a_test_subject(
    tmp_path: Path, what: str, saw: str, changes: dict[str, Any]
) -> None:
    with_synthetic(tmp_path, **changes)
    with pytest.raises(FaceprepError, match=f"{what} saw test subject folder/{saw}") as caught:
        run_classify(configured(tmp_path, sweep=(4,)), QUIET)
    assert caught.value.exit_code == 1
    assert "faceprep augment" in spell(caught.value.hint)
    assert not (tmp_path / "classify" / "cells").exists()
    run_classify(configured(tmp_path), QUIET)  # without synthetic faces nothing of it matters


@pytest.mark.parametrize(
    ("side", "what"), [("train", "the classifier's training"), ("val", "early stopping")]
)
def test_a_table_is_refused_when_the_selection_has_somebody_on_two_sides(
    tmp_path: Path, side: str, what: str
) -> None:
    workspace = toy_workspace(tmp_path, people=8)
    path = workspace.part("select", 0)
    table = pq.read_table(path)
    split = table["split"].to_pylist()
    split[table["subject"].to_pylist().index("S7")] = side  # one frame of S7
    place = table.column_names.index("split")
    pq.write_table(table.set_column(place, table.schema.field("split"), [split]), path)
    with pytest.raises(FaceprepError, match=f"{what} saw test subject folder/S7") as caught:
        run_classify(configured(tmp_path), QUIET)
    assert spell(caught.value.hint).endswith(f"--workspace {tmp_path} --overwrite")


def test_a_table_is_refused_when_a_training_itself_saw_a_test_subject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong choice of the held-out subjects is found in the results of the runs."""
    toy_workspace(tmp_path, people=8)
    honest = Splits.split

    def leaky(*arguments: Any) -> Split:
        split = honest(*arguments)
        return Split(split.train, split.test[:1], split.test)

    monkeypatch.setattr(Splits, "split", leaky)
    with pytest.raises(FaceprepError, match="early stopping saw test subject folder/S6"):
        run_classify(configured(tmp_path), QUIET)


def test_a_generator_that_does_not_say_whom_it_saw_is_not_trusted(tmp_path: Path) -> None:
    workspace = toy_workspace(tmp_path, people=8)
    synthetic_faces(workspace, write_generator(workspace))
    with pytest.raises(FaceprepError, match="does not name the subjects it saw") as caught:
        run_classify(configured(tmp_path, sweep=(4,)), QUIET)
    assert spell(caught.value.hint).startswith("faceprep train")
    write_generator(workspace, subjects=people(0))  # another one than that of the faces
    with pytest.raises(UsageError, match="made with another generator"):
        run_classify(configured(tmp_path, sweep=(4,)), QUIET)
