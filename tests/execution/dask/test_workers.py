"""The folder of a Dask cluster on this machine, and those that killed commands left."""

import os
import tempfile
from pathlib import Path

import pytest

from faceprep.core.files import here
from faceprep.execution.dask.workers import scratch


def test_what_a_killed_command_left_goes_when_the_next_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = 2**22 + 1
    names = {
        "killed": f"faceprep-dask-a.{dead}@{here()}.tmp",
        "alive": f"faceprep-dask-b.{os.getpid()}@{here()}.tmp",
        "elsewhere": f"faceprep-dask-c.{dead}@node-7.tmp",
        "foreign": f"thesis.{dead}@{here()}.tmp",
    }
    for name in names.values():
        (tmp_path / name / "files").mkdir(parents=True)
    with scratch() as folder:
        there = {path.name for path in tmp_path.iterdir()}
        assert there == {*names.values(), Path(folder).name} - {names["killed"]}
        with scratch() as other:
            assert other != folder
            assert Path(folder).is_dir()
    assert not Path(folder).exists()
