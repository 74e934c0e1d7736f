import hashlib
import io
import itertools
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from faceprep.config import Config
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.progress import Progress
from faceprep.datasets.base import FrameRow
from faceprep.datasets.report import Report
from faceprep.execution.plan import Options
from faceprep.report.tables.run import selection_tables
from faceprep.stages.select import summary as select_summary
from faceprep.stages.select.rows import cut, sha256, table_of, with_checksums
from faceprep.stages.select.run import run_select
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import read_provenance
from faceprep.workspace.pending import PendingShard

SEQUENCES = ("Anger", "Fear", "Happiness")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six subjects, three expressions, six frames each, in the layout of Oulu-CASIA."""
    folder = tmp_path / "oulu"
    for number in (1, 2, 3, 72, 73, 80):
        for name in SEQUENCES:
            for frame in range(6):
                path = folder / f"OriginalImg/VL/Strong/P{number:03d}/{name}/{frame:03d}.jpeg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(str(path.relative_to(folder)))
    return folder


def config(root: Path, workspace: Path, dataset: str = "oulu-casia", **more) -> Config:
    select = {"dataset": dataset, "root": root, **more.pop("select", {})}
    return Config.model_validate(
        {"workspace": workspace, "shard_size": 20, "workers": 2, "select": select, **more}
    )


def run(settings: Config, **options):
    return run_select(settings, Options(**options), Progress(quiet=True))


def rows(workspace: Path):
    return [row for table in Workspace(workspace).tables("select") for row in table.to_pylist()]


def parts(workspace: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(workspace.glob("select/*.parquet"))}


def test_every_selected_frame_is_a_row_with_its_checksum(root, tmp_path):
    result = run(config(root, tmp_path / "out"))
    found = rows(tmp_path / "out")
    assert result.rows == len(found) == 6 * 3 * 4
    assert result.status == {"ok": 72}
    for row in found:
        data = (root / row["path"]).read_bytes()
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
    assert Counter(row["split"] for row in found) == {"train": 48, "test": 24}
    assert [row["face_id"] for row in found] == sorted(row["face_id"] for row in found)


def test_stage_json_says_what_was_done(root, tmp_path):
    run(config(root, tmp_path / "out"))
    info = Workspace(tmp_path / "out").info("select")
    assert info["shards"] == 4
    assert info["rows"] == 72
    assert info["root"] == str(root)
    assert info["summary"]["splits"]["test"] == {"subjects": 2, "sequences": 6, "frames": 24}
    assert read_provenance(tmp_path / "out/select/part-00000.parquet")["stage"] == "select"


def test_the_second_run_makes_nothing(root, tmp_path):
    run(config(root, tmp_path / "out"))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").glob("select/part-*")}
    result = run(config(root, tmp_path / "out"))
    assert (result.todo, result.done_before, result.shards) == ([], 4, 4)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out").glob("select/part-*")} == before


def test_only_the_shard_of_a_changed_file_is_made_again(root, tmp_path):
    run(config(root, tmp_path / "out"))
    before = parts(tmp_path / "out")
    (root / "OriginalImg/VL/Strong/P080/Fear/005.jpeg").write_text("another")
    assert run(config(root, tmp_path / "out")).todo == [3]
    after = parts(tmp_path / "out")
    assert [name for name in after if after[name] != before[name]] == ["part-00003.parquet"]


def test_a_file_that_only_looks_new_gives_the_same_bytes(root, tmp_path):
    run(config(root, tmp_path / "out"))
    before = parts(tmp_path / "out")
    os.utime(root / "OriginalImg/VL/Strong/P001/Anger/000.jpeg", (1, 1))
    assert run(config(root, tmp_path / "out")).todo == [0]
    assert parts(tmp_path / "out") == before


def test_bytes_are_the_same_with_any_number_of_workers(root, tmp_path):
    for workers in (1, 2, 5):
        run(config(root, tmp_path / f"out{workers}", workers=workers))
    assert parts(tmp_path / "out1") == parts(tmp_path / "out2") == parts(tmp_path / "out5")


def test_a_run_that_broke_off_is_finished_by_the_next_with_the_same_bytes(
    root, tmp_path, monkeypatch
):
    run(config(root, tmp_path / "whole"))
    commit = PendingShard.commit

    def breaks_off(self, *arguments, **options):
        if self.shard == 2:
            raise KeyboardInterrupt
        return commit(self, *arguments, **options)

    monkeypatch.setattr(PendingShard, "commit", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        run(config(root, tmp_path / "out"))
    assert not Workspace(tmp_path / "out").info("select")
    monkeypatch.undo()
    result = run(config(root, tmp_path / "out"))
    assert (result.done_before, result.todo) == (2, [2, 3])
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")


def test_a_smaller_selection_removes_what_is_left_over(root, tmp_path):
    run(config(root, tmp_path / "out"))
    downstream = tmp_path / "out" / "align"
    (downstream / "images" / "00003").mkdir(parents=True)
    for name in ("part-00000", "part-00003"):
        (downstream / f"{name}.json").write_text("{}")
    result = run(config(root, tmp_path / "out", select={"limit": 21}))
    assert (result.rows, result.shards, result.done_before) == (21, 2, 1)
    assert sorted(parts(tmp_path / "out")) == ["part-00000.parquet", "part-00001.parquet"]
    assert [path.name for path in sorted(downstream.glob("part-*"))] == ["part-00000.json"]


def test_a_dry_run_writes_nothing(root, tmp_path):
    result = run(config(root, tmp_path / "out"), dry_run=True)
    assert (result.rows, result.todo) == (72, [0, 1, 2, 3])
    assert result.disk_bytes > 0
    assert not (tmp_path / "out").exists()
    assert "would make 4 of 4 shards" in _drawn(result)
    assert json.loads(json.dumps(result.as_dict()))["summary"]["roles"] == {
        "neutral": 18,
        "peak": 54,
    }


def test_overwrite_makes_every_shard_again(root, tmp_path):
    run(config(root, tmp_path / "out"))
    assert run(config(root, tmp_path / "out"), overwrite=True).todo == [0, 1, 2, 3]


def test_changed_settings_make_every_shard_again(root, tmp_path):
    run(config(root, tmp_path / "out"))
    result = run(config(root, tmp_path / "out", select={"peak_frames": 2}))
    assert result.done_before == 0
    assert result.rows == 54


def test_nothing_selected_is_an_error_that_says_why(tmp_path):
    for frame in range(1, 8):
        path = tmp_path / f"ck/images/S005/001/S005_001_{frame:08d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with pytest.raises(UsageError, match="no frame of ck-plus selected") as caught:
        run(config(tmp_path / "ck", tmp_path / "out", "ck-plus"))
    assert "S005/001" in caught.value.message
    assert caught.value.hint.overrides == {"select.unlabelled": True}
    assert not (tmp_path / "out").exists()


def test_files_that_are_not_there_are_rows_without_checksum(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.jpg").write_text("a")
    (tmp_path / "data/labels.csv").write_text("image,expression\na.jpg,anger\ngone.jpg,fear\n")
    result = run(config(tmp_path / "data", tmp_path / "out", "folder", select={"max_missing": 1}))
    summary = Workspace(tmp_path / "out").info("select")["summary"]
    assert summary["people"] == {"source": None, "unknown": 2}
    assert "nobody can be told apart" in _drawn(result).replace("\n", " ")
    assert [row["sha256"] is None for row in rows(tmp_path / "out")] == [False, True]
    assert result.summary.missing.count == 1


def test_a_selection_without_a_test_set_says_so(root, tmp_path):
    settings = {"split": "random", "test_fraction": 0.0, "table": "labels.csv", "naming": "jaffe"}
    result = run(config(root, tmp_path / "out", select=settings))
    notes = " ".join(result.summary.report.notes)
    assert "no frame is in the test set" in notes
    assert "select.table is not used: it needs select.dataset=folder" in notes
    assert "select.naming is not used: it needs select.dataset=folder or table" in notes


def test_a_workspace_that_cannot_be_made_is_one_clear_error(root, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FaceprepError, match="cannot write"):
        run(config(root, tmp_path / "file" / "out"))


def test_without_a_dataset_or_a_root_the_error_says_what_to_type(tmp_path):
    with pytest.raises(UsageError, match="no dataset is named"):
        run(Config.model_validate({"workspace": tmp_path, "select": {"root": tmp_path}}))
    with pytest.raises(UsageError, match="no dataset folder"):
        run(Config.model_validate({"workspace": tmp_path, "select": {"dataset": "folder"}}))


def test_the_table_counts_subjects_sequences_and_frames(root, tmp_path):
    result = run(config(root, tmp_path / "out"))
    cells = result.summary.cells
    assert vars(cells["anger", "train"]) == {"subjects": 4, "sequences": 4, "frames": 12}
    assert vars(cells["neutral", "test"]) == {"subjects": 2, "sequences": 6, "frames": 6}
    assert result.summary.roles == {"neutral": 18, "peak": 54}
    text = _drawn(result)
    assert "anger" in text
    assert "train" in text
    assert "made 4 of 4 shards" in text


def test_the_table_shows_names_as_they_are(tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("[bold]a.txt", "b.jpg"):
        (tmp_path / "data" / name).touch()
    text = _drawn(run(config(tmp_path / "data", tmp_path / "out", "folder")))
    assert "[bold]a.txt" in text


def _drawn(result) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(*selection_tables(result), sep="\n")
    return console.file.getvalue()


def row(k: int, subject: str, sequence: str | None, **more) -> FrameRow:
    columns = {"split": "train", "fold": 0, "expression": "fear", "role": "peak", **more}
    return FrameRow(f"folder/{k}", "folder", subject, sequence, k, f"{k}.jpg", **columns)


def test_a_subject_on_both_sides_is_refused():
    counter = select_summary.Counter()
    counter.add(row(0, "Ann", None))
    with pytest.raises(UsageError, match="subject Ann is in train and in test"):
        counter.add(row(1, "Ann", None, split="test"))


LENGTHS = st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=30)


@given(LENGTHS, st.integers(1, 10))
def test_shards_are_full_enough_and_never_cut_a_sequence(lengths, size):
    frames = [
        row(100 * k + i, f"S{k}", "q" if named else None)
        for k, (length, named) in enumerate(lengths)
        for i in range(length)
    ]
    shards = list(cut(iter(frames), size))
    assert [frame for shard in shards for frame in shard] == frames
    assert all(0 < len(shard) <= size for shard in shards)
    for k, (length, named) in enumerate(lengths):
        holders = sum(any(frame.subject == f"S{k}" for frame in shard) for shard in shards)
        if named and length <= size:
            assert holders == 1
    for one, two in itertools.pairwise(shards):
        group = 1
        if two[0].sequence:
            group = min(size, sum(frame.subject == two[0].subject for frame in frames))
        assert len(one) + group > size


def test_a_sequence_longer_than_a_shard_is_reported(tmp_path):
    (tmp_path / "data").mkdir()
    lines = ["image,sequence,frame"]
    for k in range(25):
        (tmp_path / f"data/{k}.jpg").touch()
        lines.append(f"{k}.jpg,long,{k}")
    (tmp_path / "data/labels.csv").write_text("\n".join(lines))
    result = run(config(tmp_path / "data", tmp_path / "out", "folder"))
    assert result.shards == 2
    assert any("longer than a shard" in note for note in result.summary.report.notes)


VALUES = st.floats(-5, 5, width=32)


@given(
    st.lists(
        st.one_of(st.none(), st.dictionaries(st.text(max_size=4), VALUES, max_size=4)),
        min_size=1,
        max_size=8,
    )
)
def test_attributes_come_back_as_they_went_in(values):
    frames = [row(k, "S", None, attributes=value) for k, value in enumerate(values)]
    table = table_of(frames)
    back = table.column("attributes").to_pylist(maps_as_pydicts="strict")
    assert back == values


def test_landmarks_and_boxes_come_back_as_they_went_in():
    frames = [
        row(0, "S", None, box=(1, 2, 3, 4), landmarks5=list(range(10))),
        row(1, "S", None, landmarks68=[0.5] * 136),
    ]
    one, two = with_checksums(table_of(frames), ["a", None]).to_pylist()
    assert (one["box"], one["landmarks68"], one["sha256"]) == ([1, 2, 3, 4], None, "a")
    assert (two["box"], two["landmarks68"]) == (None, [0.5] * 136)


def test_checksum_of_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    assert sha256(str(tmp_path / "pipe")) is None
    assert sha256(str(tmp_path)) is None
    assert sha256(str(tmp_path / "nothing")) is None
    assert sha256(str(tmp_path / "empty")) == hashlib.sha256(b"").hexdigest()


def test_reports_are_plain_data():
    report = Report()
    report.note("a", "b")
    assert select_summary.Summary(report=report).as_dict()["notes"] == [
        {"text": "a", "count": 1, "examples": ["b"]}
    ]
