"""Finished results stay, unless ``--overwrite`` says otherwise."""

import hashlib
import shlex
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.stages.heatmaps import Heatmaps
from faceprep.workspace import Workspace

COUNT, SHARD = 12, 4


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photographs in ``photos``, as the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACEPREP_WORKERS", "1")
    for number in range(COUNT):
        photograph(number)
    return tmp_path


@pytest.fixture
def ws(place: Path) -> Workspace:
    """A finished workspace of its own, whose faces have no landmarks."""
    faceprep("heatmaps --dataset folder --root photos --workspace ws --set align.detector=given"
             f" --set shard_size={SHARD}")  # fmt: skip
    return Workspace(place / "ws")


def photograph(number: int, seed: int = 0, name: str = "") -> None:
    path = Path(f"photos/happiness/{name or f'{number:03d}'}.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([number, seed]).integers(0, 255, (32, 32, 3), np.uint8)
    cv2.imwrite(str(path), pixels)


def faceprep(line: str, code: int | None = None) -> Result:
    """Run a command in this process; exit code 0, or 3 because no face has landmarks."""
    words = shlex.split(line)
    result = CliRunner().invoke(app, words)
    assert result.exit_code in ((0, 3) if code is None else (code,)), result.output
    return result


def hints(result: Result) -> list[str]:
    """The commands below an error, without the program's name and the comments."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("  → faceprep ")]
    return [line.removeprefix("  → faceprep ").partition("   #")[0] for line in lines]


def content(root: Path) -> dict[str, str]:
    files = [
        path for path in sorted(root.rglob("*")) if path.is_file() and ".working" not in path.parts
    ]
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def rows(workspace: Workspace, stage: str = "heatmaps") -> int:
    return sum(table.num_rows for table in workspace.tables(stage))


REFUSED = [
    (
        "--set align.detector=mtcnn",
        ["align.detector: given → mtcnn", "align: 12 faces in 3 shards"],
    ),
    ("--limit 8", ["select.limit: none → 8", "4 of 12 faces are no longer selected"]),
    ("--set select.folds=3", ["select.folds: 10 → 3", "faces have another split or fold"]),
    ("--set shard_size=6", ["shard_size: 4 → 6", "heatmaps: 12 faces in 3 shards"]),
    (
        "--set heatmaps.sigma=3 --set align.size=64",
        ["align.size: 128 → 64", "heatmaps.sigma: 2.0 → 3.0"],
    ),
]


@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_other_settings_are_refused_and_named(ws: Workspace, change: str, said: list[str]) -> None:
    before = content(ws.root)
    for line in (f"run --until heatmaps --workspace ws {change}",
                 f"run --until heatmaps --workspace ws {change} --dry-run"):  # fmt: skip
        refused = faceprep(line, code=2)
        for words in said:
            assert words in refused.stderr
        assert content(ws.root) == before
    back, replaced, elsewhere = hints(refused)
    assert back == "run --until heatmaps --workspace ws --dry-run"
    assert replaced == f"run --until heatmaps --workspace ws {change} --dry-run --overwrite"
    for line in (back, replaced, elsewhere):
        faceprep(line)
    assert "--dataset folder" in elsewhere
    assert elsewhere.endswith("--workspace ws-2")
    assert content(ws.root) == before


def test_settings_that_are_not_repeated_are_those_of_before(ws: Workspace) -> None:
    before = content(ws.root)
    assert "up to date" in faceprep("heatmaps --workspace ws").stderr
    assert content(ws.root) == before


def test_a_larger_selection_only_adds(ws: Workspace) -> None:
    faceprep(
        "heatmaps --workspace small --dataset folder --root photos --limit 8 --set shard_size=4"
    )
    faceprep("heatmaps --workspace small --limit 10 --set align.detector=mtcnn --dry-run")
    faceprep("select --workspace small --limit 10")
    assert rows(Workspace(Path("small")), "select") == 10
    photograph(COUNT)
    photograph(0, name="-1")  # its name sorts before the others, so that all shards change
    faceprep("heatmaps --workspace ws")
    assert rows(ws) == COUNT + 2


def test_photographs_that_vanish_or_change_are_named(ws: Workspace) -> None:
    before = content(ws.root)
    photograph(3, seed=1)
    said = faceprep("heatmaps --workspace ws", code=2).stderr
    assert (
        "1 of 12 faces have a photograph of another content, or none: folder/happiness/003" in said
    )
    Path("photos/happiness/004.png").unlink()
    said = faceprep("select --workspace ws", code=2).stderr
    assert "1 of 12 faces are no longer selected: folder/happiness/004" in said
    assert content(ws.root) == before
    faceprep("heatmaps --workspace ws --overwrite")
    assert rows(ws) == COUNT - 1


def test_copies_of_workspace_and_dataset_go_on(ws: Workspace, place: Path) -> None:
    (place / "there").mkdir()
    for name in ("ws", "photos"):
        shutil.copytree(name, place / "there" / name, copy_function=shutil.copyfile)
    copied = Workspace(place / "there" / "ws")
    marks = [copied.stamps("align"), copied.stamps("heatmaps")]
    faceprep("heatmaps --workspace there/ws --root there/photos")
    shutil.rmtree("photos")
    shutil.move("there", "elsewhere")
    moved = Workspace(place / "elsewhere" / "ws")
    assert "up to date" in faceprep("heatmaps --workspace elsewhere/ws").stderr
    assert [moved.stamps("align"), moved.stamps("heatmaps")] == marks


def test_another_dataset_is_refused(ws: Workspace) -> None:
    shutil.copytree("photos", "others")
    for number in range(COUNT):
        Path(f"others/happiness/{number:03d}.png").rename(f"others/happiness/x{number}.png")
    said = faceprep("heatmaps --workspace ws --root others", code=2).stderr
    assert "select.root: " in said
    assert "12 of 12 faces are no longer selected" in said
    said = faceprep("heatmaps --only --workspace ws --root others", code=2).stderr
    assert "holds other photographs" in said


def test_a_new_version_of_a_stage_is_refused(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Heatmaps, "version", 2)
    said = faceprep("heatmaps --workspace ws", code=2).stderr
    assert "heatmaps: version 1 → 2 of faceprep's heatmaps" in said
    faceprep("heatmaps --workspace ws --overwrite")
    assert "up to date" in faceprep("heatmaps --workspace ws").stderr


def interrupted_after(monkeypatch: pytest.MonkeyPatch, shards: int) -> pytest.MonkeyPatch:
    real, left = Heatmaps.process, [shards]

    def process(self: Heatmaps, *arguments: Any) -> Any:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return real(self, *arguments)

    monkeypatch.setattr(Heatmaps, "process", process)
    return monkeypatch


def test_consent_survives_an_interruption(ws: Workspace) -> None:
    with pytest.MonkeyPatch.context() as patch:
        interrupted_after(patch, 1)
        stopped = faceprep("heatmaps --workspace ws --set heatmaps.sigma=3 --overwrite", code=130)
    (again,) = hints(stopped)
    assert again == "heatmaps --workspace ws --set heatmaps.sigma=3"
    said = faceprep("heatmaps --workspace ws --set heatmaps.sigma=2", code=2).stderr
    assert "heatmaps.sigma: 3.0 → 2.0\n  heatmaps: 4 faces in 1 shards" in said
    made = ws.stamps("heatmaps")
    assert "doing 2 of 3 shards" in faceprep(again).stderr
    assert ws.stamps("heatmaps")[0] == made[0]
    assert not (ws.root / "heatmaps" / "asked.json").exists()
    assert "up to date" in faceprep("heatmaps --workspace ws").stderr


def test_consent_to_another_selection_survives_too(ws: Workspace) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "faceprep.stages.select.run._finish",
            lambda *_: (_ for _ in ()).throw(KeyboardInterrupt),
        )
        faceprep("heatmaps --workspace ws --limit 6 --overwrite", code=130)
    faceprep("heatmaps --workspace ws --limit 6")
    assert rows(ws) == 6
    assert "select.limit: 6 → 3" in faceprep("heatmaps --workspace ws --limit 3", code=2).stderr


def test_overwrite_redoes_what_its_help_says(ws: Workspace) -> None:
    stages = ("select", "align", "heatmaps")
    before = {stage: ws.stamps(stage) for stage in stages}
    faceprep("heatmaps --workspace ws --overwrite")
    after = {stage: ws.stamps(stage) for stage in stages}
    assert [before[stage] == after[stage] for stage in stages] == [True, True, False]
    faceprep("run --until heatmaps --workspace ws --overwrite")
    last = {stage: ws.stamps(stage) for stage in stages}
    assert not [stage for stage in stages if {*last[stage].values()} & {*after[stage].values()}]


def test_stages_after_an_overwritten_one_are_announced(ws: Workspace) -> None:
    faceprep("align --workspace ws --set align.size=64 --overwrite")
    said = faceprep("heatmaps --workspace ws", code=2).stderr  # the size is a setting of it too
    assert "heatmaps.size: 128 → 64" in said
    faceprep("heatmaps --workspace ws --overwrite")
    faceprep("align --workspace ws --set align.template=arcface --overwrite")
    before = ws.stamps("heatmaps")
    said = faceprep("heatmaps --workspace ws").stderr
    assert "heatmaps: doing 3 of 3 shards (align changed)" in said
    assert before != ws.stamps("heatmaps")


def test_two_settings_at_once_are_refused(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Result] = []
    real = Heatmaps.process

    def process(self: Heatmaps, *arguments: Any) -> Any:
        if not seen:
            seen.append(faceprep("heatmaps --workspace ws --set heatmaps.sigma=4", code=2))
            seen.append(faceprep("heatmaps --workspace ws --set heatmaps.sigma=3 --shard 3/3"))
        return real(self, *arguments)

    monkeypatch.setattr(Heatmaps, "process", process)
    faceprep("heatmaps --workspace ws --set heatmaps.sigma=3 --overwrite")
    assert "another command makes heatmaps in ws now: process " in seen[0].stderr
    assert "heatmaps.sigma: 3.0 there, 4.0 here" in seen[0].stderr
