"""A named tool is used, or the choice of a backend fails."""

from pathlib import Path

import pytest

from faceprep.config import Config
from faceprep.core.errors import Again, MissingToolError
from faceprep.faces.action_units.backend import choose


@pytest.mark.parametrize("key", ["openface_models", "openface_bin"])
@pytest.mark.parametrize("backend", ["auto", "openface-models"])
def test_a_named_tool_that_cannot_be_used_is_an_error(
    key: str, backend: str, tmp_path: Path
) -> None:
    place = str(tmp_path / "nothing")
    config = Config.model_validate({"aus": {key: place, "backend": backend}})
    with pytest.raises(MissingToolError) as error:
        choose(config)
    assert error.value.exit_code == 5
    assert place in error.value.message
    if backend == "auto":
        assert isinstance(error.value.hint, tuple)
        assert error.value.hint[0] == Again({f"aus.{key}": "none"}, note="does without")


def test_csv_files_for_later_use_do_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    config = Config.model_validate({"aus": {"openface_csv": "nothing"}})
    assert choose(config).backend.name == "landmarks"


def test_csv_files_with_the_landmarks_are_needed() -> None:
    config = Config.model_validate({"aus": {"openface_csv": "nothing", "landmarks": "csv"}})
    with pytest.raises(MissingToolError, match=r"aus.openface_csv=nothing cannot be used"):
        choose(config)
