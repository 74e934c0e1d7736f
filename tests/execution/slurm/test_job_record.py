"""What was submitted, by its folders: nothing in them stands in the way for long."""

import time
from dataclasses import replace
from pathlib import Path

from faceprep.core.errors import FaceprepError, MissingToolError
from faceprep.execution.slurm.job_record import (
    RESERVED_SECONDS,
    JobRecord,
    create_record,
    living_tasks,
    read_record,
    read_records,
    remove_old_records,
)
from faceprep.execution.slurm.queue import TaskState


def array(workspace: Path, tasks: list[list[int]], **values) -> JobRecord:
    return create_record(workspace, JobRecord(workspace, "align", "settings", tasks, {}, **values))


def test_an_array_reads_as_it_was_written(tmp_path: Path) -> None:
    made = array(tmp_path, [[0, 1], [2]], before={2: 17}, overwrite=True).with_job("12")
    assert read_record(made.folder) == made
    assert read_records(tmp_path, "align") == [made]


def test_only_living_tasks_and_fresh_claims_are_under_way(tmp_path: Path) -> None:
    made = array(tmp_path, [[0, 1], [2], [3]])
    assert set(living_tasks([made], {})) == {0, 1, 2, 3}  # about to be submitted
    states = {
        0: TaskState("7", "RUNNING"),
        1: TaskState("7", "PENDING"),
        2: TaskState("7", "FAILED"),
    }
    flight = living_tasks([made], {made.name: states})
    assert {shard: at[1] for shard, at in flight.items()} == {0: 0, 1: 0, 2: 1}
    old = replace(made, created=time.time() - RESERVED_SECONDS - 1)
    assert living_tasks([old], {}) == {}
    assert set(living_tasks([old], {old.name: states})) == {0, 1, 2}


def test_what_is_no_array_is_passed_over(tmp_path: Path) -> None:
    made = array(tmp_path, [[0]])
    for name, text in (("half", '{"stage": "al'), ("other", "[]"), ("old", '{"stage": "align"}')):
        (made.folder.parent / name).mkdir()
        (made.folder.parent / name / "array.json").write_text(text)
    (made.folder.parent / "empty").mkdir()
    assert read_records(tmp_path, "align") == [made]


def test_old_arrays_go_and_living_ones_stay(tmp_path: Path) -> None:
    long_ago = time.time() - 1e6
    made = [array(tmp_path, [[k]], created=long_ago + k) for k in range(30)]
    queue = {made[0].name: {0: TaskState("1", "RUNNING")}}
    remove_old_records(tmp_path, "align", queue)
    left = [found.tasks[0][0] for found in read_records(tmp_path, "align")]
    assert left == [0, *range(10, 30)]


def test_an_error_of_a_task_keeps_its_exit_code_and_hint(tmp_path: Path) -> None:
    made = array(tmp_path, [[0]])
    assert made.error(0) is None
    made.write_error(0, "no weights", "pip install them", MissingToolError.exit_code)
    error = made.error(0)
    assert isinstance(error, FaceprepError)
    assert (error.message, error.hint, error.exit_code) == ("no weights", "pip install them", 5)
    made.clear_error(0)
    assert made.error(0) is None


def test_the_end_of_a_log_is_read_whatever_is_in_it(tmp_path: Path) -> None:
    made = array(tmp_path, [[0]])
    assert made.tail(0) == []
    made.log(0).write_bytes(b"\xff" * 9000 + b"\n" + b"line\n" * 20)
    assert made.tail(0, 3) == ["line"] * 3


def test_arrays_of_one_second_are_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    made = [array(tmp_path, [[k]], created=1e9 + k / 100) for k in range(12)]
    assert read_records(tmp_path, "align") == made
