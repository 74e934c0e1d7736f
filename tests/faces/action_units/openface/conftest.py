"""What the tests of backends share."""

import pytest


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "dataset"
    folder.mkdir()
    return folder
