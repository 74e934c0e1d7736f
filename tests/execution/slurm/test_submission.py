"""Shards put into tasks: every shard in one task, tasks of about the requested time."""

from hypothesis import given
from hypothesis import strategies as st

from faceprep.execution.slurm.submission import group_shards

SECONDS = st.dictionaries(st.integers(0, 5000), st.floats(0, 4000), min_size=1, max_size=60)


@given(SECONDS, st.floats(0.1, 60), st.integers(1, 8))
def test_every_shard_is_in_one_task_and_in_order(seconds, minutes, at_once) -> None:
    tasks = list(group_shards(seconds, minutes, at_once))
    assert [shard for task in tasks for shard in task] == sorted(seconds)
    assert all(tasks)


@given(st.integers(1, 400), st.floats(1, 300), st.floats(5, 30), st.integers(1, 4))
def test_a_task_takes_about_as_long_as_wanted(count, each, minutes, at_once) -> None:
    tasks = list(group_shards(dict.fromkeys(range(count), each), minutes, at_once))
    longest = max(len(task) for task in tasks) * each / at_once / 60
    assert longest <= minutes + each / at_once / 60
    if len(tasks) > 1:
        shortest = min(len(task) for task in tasks) * each / at_once / 60
        assert shortest >= minutes / 2 - each / at_once / 60
