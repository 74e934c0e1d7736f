"""The workspace of a path, or the nearest one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from faceprep.cli.remedies import spell
from faceprep.core.errors import Again, UsageError
from faceprep.workspace import Workspace
from faceprep.workspace.discover import workspace_of

Make = Callable[..., Workspace]


def test_the_hint_names_a_similar_workspace_and_not_a_neighbour(
    aligned_workspace: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = aligned_workspace(name="oulu").root
    aligned_workspace(name="other-workspace")
    with pytest.raises(UsageError) as caught:
        workspace_of(tmp_path / "ck-plus")
    assert caught.value.message == f"{tmp_path / 'ck-plus'} does not exist; no workspace found"
    for path in (root.with_name("oulo"), Path("oulo")):
        with pytest.raises(UsageError) as caught:
            workspace_of(path)
        assert caught.value.message.endswith(f"found: {path.with_name('oulu')}")
        assert caught.value.hint == Again({"workspace": path.with_name("oulu")})
        with pytest.raises(UsageError, match="no workspace with a trained generator") as caught:
            workspace_of(path, generator=True)
        assert spell(caught.value.hint) == "faceprep train   # the demo dataset"


def test_the_workspace_of_a_path(aligned_workspace: Make, tmp_path: Path) -> None:
    root = aligned_workspace().root
    for path in (root, root / "align", root / "align" / "part-00000.parquet"):
        assert workspace_of(path) == root
    with pytest.raises(UsageError):
        workspace_of(tmp_path / "elsewhere")
