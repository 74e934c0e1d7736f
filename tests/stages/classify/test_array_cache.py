"""Arrays of ``classify`` in files: each belongs to one run, is complete, and few are kept."""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.classify import configured
from builders.training import toy_workspace

from faceprep.cli.remedies import spell
from faceprep.core.errors import FaceprepError
from faceprep.core.progress import Progress
from faceprep.execution import local
from faceprep.stages.classify import worker
from faceprep.stages.classify.array_cache import ArrayCache, CachedArray, Content
from faceprep.stages.classify.run import run_classify

QUIET = Progress(quiet=True)


def cached(folder: Path, value: int, used: int, name: str = "real-64") -> CachedArray:
    def compute() -> Content:
        return (3,), np.dtype(np.uint8), [np.full(3, value, np.uint8)]

    found = ArrayCache(folder, QUIET).array(name, value, compute)
    os.utime(found.path, (used, used))
    return found


def test_a_run_of_other_faces_that_comes_between_changes_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one writes its pixels after this one has planned, before it trains.

    As on another machine, where neither sees the lock of the other.
    """
    toy_workspace(tmp_path, people=8)
    monkeypatch.setattr("faceprep.stages.classify.run.at_work", lambda *_: nullcontext())
    config, other = configured(tmp_path, neutral=False), configured(tmp_path)
    alone = run_classify(config, QUIET).run_results[0].log_probabilities
    whole = local.run

    def after_another(*arguments: Any) -> Iterator[Any]:
        monkeypatch.setattr(local, "run", whole)
        assert run_classify(other, QUIET).trained == 1
        worker._on_device.cache_clear()  # as a worker of its own
        yield from whole(*arguments)

    monkeypatch.setattr(local, "run", after_another)
    both = run_classify(config, QUIET, overwrite=True)
    assert both.trained == 1
    assert np.array_equal(both.run_results[0].log_probabilities, alone)


def test_the_two_last_used_stay_and_a_third_is_missed_aloud(tmp_path: Path) -> None:
    first, second = cached(tmp_path, 1, used=10), cached(tmp_path, 2, used=20)
    cached(tmp_path, 7, used=1, name="real-64-64")  # of another generator
    cached(tmp_path, 1, used=30)
    third = cached(tmp_path, 3, used=40)
    assert (first.read() == 1).all()
    assert (third.read() == 3).all()
    assert len([*tmp_path.iterdir()]) == 3
    with pytest.raises(FaceprepError, match="other classify runs in this workspace") as caught:
        second.read()
    assert "finished trainings are saved" in spell(caught.value.hint)


def test_a_damaged_file_is_made_again_and_training_anew_trusts_none(tmp_path: Path) -> None:
    toy_workspace(tmp_path, people=8)
    config = configured(tmp_path)
    alone = run_classify(config, QUIET).run_results[0].log_probabilities
    (path,) = (tmp_path / "classify" / "faces").glob("real-32-*.npy")
    content = path.read_bytes()
    for damaged in (content[:5000], content[:50], b""):
        path.write_bytes(damaged)
        run_classify(config, QUIET)
        assert path.read_bytes() == content
    path.write_bytes(content[:-1000] + bytes(1000))
    worker._on_device.cache_clear()
    again = run_classify(config, QUIET, overwrite=True)
    assert path.read_bytes() == content
    assert np.array_equal(again.run_results[0].log_probabilities, alone)
