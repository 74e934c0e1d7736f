"""The stand-in for Slurm's commands, which every test of the engine uses."""

import os
from pathlib import Path

import pytest
from builders.slurm_stand_in import install


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder that says what goes wrong in the stand-in."""
    state = install(tmp_path / "slurm")
    monkeypatch.setenv("PATH", f"{state.parent / 'bin'}:{os.environ['PATH']}")
    return state
