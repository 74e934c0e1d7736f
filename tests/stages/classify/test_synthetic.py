"""Source subjects of synthetic faces: of this workspace, or of others with the same names."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from builders.augment import LABELS
from builders.classify import configured, people, with_synthetic, write_generator
from builders.training import toy_workspace

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.files import file_sha256
from faceprep.core.progress import Progress
from faceprep.stages.classify.result import ClassifyResult
from faceprep.stages.classify.run import run_classify
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_file
from faceprep.workspace.synthetic import synthetic_record

QUIET = Progress(quiet=True)


def edits_of_others(root: Path, there: Path, who: list[str], faces: list[str]) -> None:
    """Edits of another workspace's faces, with whom the record names."""
    toy_workspace(there, people=10)
    made = with_synthetic(
        root, count=16, sources=faces, mode="other", subjects=who, sources_from=str(there)
    )
    made.write_info("augment/exprgan", {**synthetic_record(root), "sources": {"other": who}})


def rename_selected(root: Path) -> None:
    """Give the selected faces ids that no other workspace has."""
    path = Workspace(root).part("select", 0)
    table = pq.read_table(path)
    ids = [f"{one}-more" for one in table["face_id"].to_pylist()]
    pq.write_table(table.set_column(0, table.schema.field("face_id"), [ids]), path)


def planned(root: Path, **options: object) -> tuple[ClassifyResult, set[int], str]:
    """A table of 16 faces, the rows that its training takes, and who is left out of it."""
    plan = run_classify(configured(root, sweep=(16,), **options), QUIET, dry_run=True)
    (run,) = [run for run in plan.runs if run.synthetic]
    assert run.synthetic is not None
    (held,) = {*run.subjects[run.split.held_out].tolist()}
    return plan, {*run.synthetic.rows.tolist()}, held


def test_people_from_elsewhere_are_nobody_here_whatever_their_names(tmp_path: Path) -> None:
    names = [f"elsewhere:folder/S{person}" for person in range(8)]
    faces = [f"folder/S{person}/anger" for person in range(8)]  # the ids of faces here too
    edits_of_others(tmp_path / "ws", tmp_path / "there", names, faces)
    assert planned(tmp_path / "ws")[1] == {*range(16)}  # of nobody who is tested, or left out


def test_people_of_this_dataset_are_known_by_faces_that_are_only_elsewhere(tmp_path: Path) -> None:
    root, there = tmp_path / "ws", tmp_path / "there"
    faces = [f"folder/S{person}/anger" for person in range(6)]
    edits_of_others(root, there, people(*range(6)), [f"{face}-more" for face in faces])
    rename_selected(there)
    _, rows, held = planned(root)
    out = faces.index(f"{held}/anger")
    assert rows == {row for row in range(16) if row % 6 != out}
    edits_of_others(root, there, people(*range(7)), faces)
    with pytest.raises(FaceprepError, match=r"sources of synthetic faces saw .* folder/S6"):
        planned(root)


@pytest.mark.parametrize("options", [{"neutral": False}, {"classes": LABELS[:2]}])
def test_edits_of_people_left_out_are_known_by_faces_of_other_expressions(
    options: dict[str, object], tmp_path: Path
) -> None:
    names = [f"folder/S{person}/neutral" for person in range(6)]
    with_synthetic(tmp_path, count=16, sources=names)
    _, rows, held = planned(tmp_path, **options)
    assert rows
    assert {row % 6 for row in rows}.isdisjoint({names.index(f"{held}/neutral")})


def test_more_faces_of_a_generator_that_was_trained_again_replace_the_others(
    tmp_path: Path,
) -> None:
    workspace = with_synthetic(tmp_path, count=12)
    file = generator_file(tmp_path)
    info = workspace.info("augment/exprgan")
    workspace.write_info("augment/exprgan", {**info, "checkpoint": file_sha256(file)})
    with pytest.raises(UsageError) as caught:
        planned(tmp_path)
    assert not caught.value.hint.overrides.get("overwrite")
    write_generator(workspace, subjects=people(0, 1))
    with pytest.raises(UsageError) as caught:
        planned(tmp_path)
    assert caught.value.hint.overrides["overwrite"] is True
