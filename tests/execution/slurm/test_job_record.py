"""What was submitted, by its folders: nothing in them stands in the way for long."""

import time
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from faceprep.core.errors import FaceprepError, MissingToolError
from faceprep.execution.slurm.job_record import (
    CLAIM_SECONDS,
    Array,
    arrays,
    claim,
    groups,
    in_flight,
    prune,
    read,
)
from faceprep.execution.slurm.queue import TaskState

SECONDS = st.dictionaries(st.integers(0, 5000), st.floats(0, 4000), min_size=1, max_size=60)


def array(workspace: Path, tasks: list[list[int]], **values) -> Array:
    return claim(workspace, Array(workspace, "align", "settings", tasks, {}, **values))


@given(SECONDS, st.floats(0.1, 60), st.integers(1, 8))
def test_every_shard_is_in_one_task_and_in_order(seconds, minutes, at_once) -> None:
    tasks = list(groups(seconds, minutes, at_once))
    assert [shard for task in tasks for shard in task] == sorted(seconds)
    assert all(tasks)


@given(st.integers(1, 400), st.floats(1, 300), st.floats(5, 30), st.integers(1, 4))
def test_a_task_takes_about_as_long_as_wanted(count, each, minutes, at_once) -> None:
    tasks = list(groups(dict.fromkeys(range(count), each), minutes, at_once))
    longest = max(len(task) for task in tasks) * each / at_once / 60
    assert longest <= minutes + each / at_once / 60
    if len(tasks) > 1:
        shortest = min(len(task) for task in tasks) * each / at_once / 60
        assert shortest >= minutes / 2 - each / at_once / 60


def test_an_array_reads_as_it_was_written(tmp_path: Path) -> None:
    made = array(tmp_path, [[0, 1], [2]], before={2: 17}, overwrite=True).with_job("12")
    assert read(made.folder) == made
    assert arrays(tmp_path, "align") == [made]


def test_only_living_tasks_and_fresh_claims_are_under_way(tmp_path: Path) -> None:
    made = array(tmp_path, [[0, 1], [2], [3]])
    assert set(in_flight([made], {})) == {0, 1, 2, 3}  # about to be submitted
    states = {
        0: TaskState("7", "RUNNING"),
        1: TaskState("7", "PENDING"),
        2: TaskState("7", "FAILED"),
    }
    flight = in_flight([made], {made.name: states})
    assert {shard: at[1] for shard, at in flight.items()} == {0: 0, 1: 0, 2: 1}
    old = replace(made, created=time.time() - CLAIM_SECONDS - 1)
    assert in_flight([old], {}) == {}
    assert set(in_flight([old], {old.name: states})) == {0, 1, 2}


def test_what_is_no_array_is_passed_over(tmp_path: Path) -> None:
    made = array(tmp_path, [[0]])
    for name, text in (("half", '{"stage": "al'), ("other", "[]"), ("old", '{"stage": "align"}')):
        (made.folder.parent / name).mkdir()
        (made.folder.parent / name / "array.json").write_text(text)
    (made.folder.parent / "empty").mkdir()
    assert arrays(tmp_path, "align") == [made]


def test_old_arrays_go_and_living_ones_stay(tmp_path: Path) -> None:
    long_ago = time.time() - 1e6
    made = [array(tmp_path, [[k]], created=long_ago + k) for k in range(30)]
    queue = {made[0].name: {0: TaskState("1", "RUNNING")}}
    prune(tmp_path, "align", queue)
    left = [found.tasks[0][0] for found in arrays(tmp_path, "align")]
    assert left == [0, *range(10, 30)]


def test_an_error_of_a_task_keeps_its_exit_code_and_hint(tmp_path: Path) -> None:
    made = array(tmp_path, [[0]])
    assert made.error(0) is None
    made.write_error(0, MissingToolError("no weights", "pip install them"))
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
    assert arrays(tmp_path, "align") == made
