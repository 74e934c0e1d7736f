"""Fixtures for tests of backends."""

import hashlib

import numpy as np
import pytest
from builders.openface_stand_in import StandIn

from faceprep.config import Config
from faceprep.core.images import write_png
from faceprep.faces.action_units.openface.programs.backend import ProgramBackend


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "dataset"
    folder.mkdir()
    return folder


@pytest.fixture
def tool(tmp_path):
    """Return stand-ins for the programs of OpenFace."""
    return StandIn(tmp_path / "build")


@pytest.fixture
def config(root, tool, tmp_path):
    """Return a function that builds a configuration for the stand-ins."""

    def make(**aus):
        options = {"backend": "openface", "openface_bin": str(tool.folder), **aus}
        select = {"dataset": "folder", "root": root}
        return Config.model_validate(
            {"select": select, "aus": options, "device": "cpu", "workspace": tmp_path / "ws"}
        )

    return make


@pytest.fixture
def run(config, tmp_path):
    """Return a function that runs the backend on faces."""

    def go(faces, **aus):
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        assert ProgramBackend().available(config(**aus)) is None
        results = ProgramBackend().run(faces, config(**aus), scratch)
        assert not any(scratch.iterdir())
        return results

    return go


@pytest.fixture
def photographs(root):
    """Return a function that writes small, different images and returns their names."""

    def make(count, pattern="{:03d}.png"):
        names = [pattern.format(k) for k in range(count)]
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            number = np.frombuffer(hashlib.sha256(name.encode()).digest(), np.uint8)
            write_png(path, np.resize(number, (8, 8, 3)))
        return names

    return make
