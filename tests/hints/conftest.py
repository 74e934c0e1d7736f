"""A folder with a small finished workspace, new for every trial."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders.hint_cases.common import SMALL, make_master
from builders.hint_trials import remember_sites
from builders.shared import shared_folder


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Path]]:
    """Make, always in the same place, a folder with a dataset ``data`` and a workspace ``my ws``.

    The processes of a test run share the original; its copies hold their own path in its place.
    """
    place = tmp_path_factory.mktemp("hints") / "a [x]"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setenv(name, value)
        master = shared_folder(tmp_path_factory, "hints-master", make_master)
        remember_sites(patch)

        def make() -> Path:
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(master, place)
            for name in ("select/stage.json", "settings.toml"):
                file = place / "my ws" / name
                file.write_text(file.read_text().replace(str(master), str(place)))
            return place

        yield make
