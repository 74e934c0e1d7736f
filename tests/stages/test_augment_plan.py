"""What ``augment`` says that it is going to do, and what it looks at to know."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from augment_builders import augment_config, generator_workspace, make_faces
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.progress import Progress
from faceprep.runner import Options
from faceprep.stages.augment import run_augment
from faceprep.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with 70 new people in three shards; to be read only."""
    root = tmp_path_factory.mktemp("made") / "ws"
    generator_workspace(root)
    make_faces(root, 70)
    return root


def said(root: Path, count: int, dry_run: bool = True, **augment: Any) -> str:
    heard = io.StringIO()
    options = Options(dry_run=dry_run, overwrite=augment.pop("overwrite", False))
    run_augment(augment_config(root, **augment), count, options, Progress(stream=heard))
    return heard.getvalue().splitlines()[0]


@pytest.mark.parametrize(
    ("count", "changes", "expected"),
    [
        (70, {}, "up to date (70 faces)"),
        (50, {}, "up to date (50 faces)"),
        (90, {}, "would make 20 of 90 faces"),
        (
            90,
            {"mode": "edit"},
            "would make 90 of 90 faces; 70 of other settings would be replaced"
            " (augment.mode new → edit)",
        ),
        (
            8,
            {"seed": 1},
            "would make 8 of 8 faces; 70 of other settings would be replaced (augment.seed 0 → 1)",
        ),
        (
            40,
            {"overwrite": True},
            "would make 40 of 40 faces; 48 that are there go (--overwrite)",
        ),
    ],
)
def test_the_announcement_counts_what_is_replaced(
    made: Path, count: int, changes: dict[str, Any], expected: str
) -> None:
    assert said(made, count, **changes) == f"augment/exprgan: {expected}"


def test_other_sources_replace_faces_too_and_nothing_is_announced_in_vain(tmp_path: Path) -> None:
    root = generator_workspace(tmp_path / "ws").root
    make_faces(root, 30, mode="edit")
    generator_workspace(tmp_path / "other", people=7)
    assert said(root, 30, dry_run=False, mode="edit", seed=2).startswith(
        "augment/exprgan: making 30 of 30 faces; 30 of other settings are replaced"
    )
    assert said(root, 30, mode="edit", seed=2) == "augment/exprgan: up to date (30 faces)"
    for stage in ("select", "align"):
        place, other = Workspace(root), Workspace(tmp_path / "other")
        other.part(stage, 0).replace(place.part(stage, 0))
        other.marker_path(stage, 0).replace(place.marker_path(stage, 0))
    assert "30 of other sources would be replaced" in said(root, 30, mode="edit", seed=2)


def test_the_dry_run_of_the_command_tells_people_and_programs(made: Path) -> None:
    words = ["augment", "--n", "8", "--workspace", str(made), "--set", "augment.shard_size=24"]
    done = CliRunner().invoke(app, [*words, "--device", "cpu", "--mode", "edit", "--dry-run"])
    assert "70 of other settings would be replaced" in done.stderr
    assert "70 that are there now" in done.stdout
    done = CliRunner().invoke(
        app, [*words, "--device", "cpu", "--mode", "edit", "--dry-run", "--json"]
    )
    assert json.loads(done.stdout)["replaced"] == 70


def test_a_finished_shard_is_hashed_once(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    real = Workspace.is_done

    def counted(self: Workspace, stage: str, shard: int, *hashes: str) -> bool:
        looked.append(shard)
        return real(self, stage, shard, *hashes)

    monkeypatch.setattr(Workspace, "is_done", counted)
    assert make_faces(made, 24).images == 70
    assert sorted(looked) == [0, 1, 2]


def test_a_shard_made_anew_is_counted_as_it_is_now(tmp_path: Path) -> None:
    root = generator_workspace(tmp_path / "ws").root
    assert make_faces(root, 30).images == 30
    assert make_faces(root, 40).images == 40
    Workspace(root).part("augment/exprgan", 1).write_bytes(b"damaged")
    again = make_faces(root, 40)
    assert (again.made, again.images, again.replaced) == (16, 40, 0)
