"""What ``augment`` says that it is going to do, and what it looks at to know."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from builders.augment import all_files, augment_config, generator_workspace, make_faces
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.cli.remedies import spell
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.stages.augment import run as augment
from faceprep.stages.augment.run import run_augment
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_file
from faceprep.workspace.synthetic import load_synthetic, synthetic_record


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
        (50, {}, "up to date (70 there, the first 50 of them asked for)"),
        (90, {}, "would make 20 of 90 faces"),
        (
            90,
            {"mode": "edit", "overwrite": True},
            "would make 90 of 90 faces; 70 of other settings (augment.mode: new → edit) go"
            " (--overwrite)",
        ),
        (
            8,
            {"seed": 1, "overwrite": True},
            "would make 8 of 8 faces; 70 of other settings (augment.seed: 0 → 1) go (--overwrite)",
        ),
        (40, {"overwrite": True}, "would make 40 of 40 faces; 48 that are there go (--overwrite)"),
    ],
)
def test_the_announcement_counts_what_is_replaced(
    made: Path, count: int, changes: dict[str, Any], expected: str
) -> None:
    assert said(made, count, **changes) == f"augment/exprgan: {expected}"


@pytest.mark.parametrize("change", ["settings", "generator", "sources"])
def test_faces_of_other_settings_are_refused_and_stay(change: str, tmp_path: Path) -> None:
    root = generator_workspace(tmp_path / "ws").root
    make_faces(root, 30, mode="edit")
    before, record = all_files(root), synthetic_record(root)
    other = generator_workspace(tmp_path / "other", people=7, seed=1)
    seed, there = 0, "the source faces are others than those of the faces"
    if change == "settings":
        seed, there = 2, "augment.seed: 0 → 2"
    elif change == "generator":
        there = "the generator is another one than that of the faces"
        generator_file(other.root).replace(generator_file(root))
    else:
        place = Workspace(root)
        for stage in ("select", "align"):
            other.part(stage, 0).replace(place.part(stage, 0))
            other.marker_path(stage, 0).replace(place.marker_path(stage, 0))
    with pytest.raises(UsageError, match=rf"{there}\n  augment/exprgan: 30 faces") as error:
        make_faces(root, 8, mode="edit", seed=seed)
    hints = spell(error.value.hint).splitlines()
    assert "the same again with --overwrite: replaces them" in hints
    back = "the same again with --set augment.seed=0: keeps to the finished results"
    assert (back in hints) == (change == "settings")
    assert (all_files(root), synthetic_record(root)) == (before, record)
    done = make_faces(root, 8, 1, Options(overwrite=True), mode="edit", seed=seed)
    assert (done.made, done.images, done.replaced) == (8, 8, 30)
    assert Workspace(root).shards("augment/exprgan") == [0]
    assert make_faces(root, 8, mode="edit", seed=seed).made == 0


def test_what_was_allowed_once_goes_on_after_a_kill(tmp_path: Path) -> None:
    root = generator_workspace(tmp_path / "ws").root
    make_faces(root, 70)
    make_faces(root, 40, 1, Options(overwrite=True, shard=(1, 2)), seed=1)
    assert said(root, 40, seed=1) == (
        "augment/exprgan: would make 16 of 40 faces; 46 of other settings (augment.seed: 0 → 1) go,"
        " as was asked for before"
    )
    with pytest.raises(UsageError, match=r"augment.seed: 1 → 0\n  augment/exprgan: 24 faces"):
        make_faces(root, 70)
    done = make_faces(root, 40, seed=1)
    assert (done.made, done.images) == (16, 40)
    assert set(load_synthetic(root)["seed"]) == {1}
    assert Workspace(root).shards("augment/exprgan") == [0, 1]


def test_a_filter_that_cannot_be_trained_costs_no_face(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = generator_workspace(tmp_path / "ws").root
    make_faces(root, 70)
    before = all_files(root)

    def killed(plan: object, progress: Progress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(augment, "_quality_filter", killed)
    with pytest.raises(KeyboardInterrupt):
        make_faces(root, 30, 1, Options(overwrite=True), filter="judge")
    assert all_files(root) == before
    assert make_faces(root, 70).made == 0


def test_two_runs_of_different_settings_at_once_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = generator_workspace(tmp_path / "ws").root
    make_faces(tmp_path / "ws", 24)
    other = generator_workspace(tmp_path / "other")
    make_faces(other.root, 24, seed=1)
    real = augment.run_jobs

    def meanwhile(*arguments: Any) -> Any:
        done = real(*arguments)
        for path in (Workspace.part, Workspace.marker_path):
            path(other, "augment/exprgan", 0).replace(path(Workspace(root), "augment/exprgan", 0))
        return done

    monkeypatch.setattr(augment, "run_jobs", meanwhile)
    with pytest.raises(FaceprepError, match=r"shard 0 is of other settings now \(1 of 2") as error:
        make_faces(root, 30)
    assert (error.value.exit_code, "--overwrite" in spell(error.value.hint)) == (1, True)


def test_the_dry_run_of_the_command_tells_people_and_programs(made: Path) -> None:
    words = ["augment", "--n", "8", "--workspace", str(made), "--set", "augment.shard_size=24"]
    words += ["--device", "cpu", "--mode", "edit"]
    for command in ([*words, "--dry-run"], words):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == UsageError.exit_code
        assert "augment.mode: new → edit\n  augment/exprgan: 70 faces" in done.stderr
        assert "--overwrite   # replaces them" in done.stderr
    done = CliRunner().invoke(app, [*words, "--dry-run", "--json", "--overwrite"])
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


def test_the_record_counts_rejections_only_where_there_was_a_filter(made: Path) -> None:
    record = synthetic_record(made)
    assert (record["rejected"], record["doubtful"]) == ({}, {})
    assert sum(record["faces"].values()) == 70


def test_the_gate_may_run_again_after_another_training() -> None:
    lines = (Path(__file__).parents[3] / "Makefile").read_text().splitlines()
    (line,) = [line for line in lines if "faceprep augment $(GATE)" in line]
    assert line.endswith("--n 560 --overwrite")
