"""On a full disk every verb says so in one line, and goes on once there is space."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.augment import generator_workspace
from builders.small_disk import SmallDisk
from builders.training import WITHOUT_FEATURES, toy_workspace
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.workspace.artifacts import HISTORY, INFO, RESUME, USE, generator_folder

KIB = 1024


def faceprep(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.stderr


def refused(disk: SmallDisk, words: list[object], free: int) -> None:
    """A command with so much space says that there is none, and leaves nothing half-written."""
    disk.leave(free)
    code, said = faceprep(*words)
    assert code == 1, said
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, said
    assert errors[0].startswith(f"error: no space left on {disk.folder} for "), said
    assert errors[0].endswith(" free")
    assert not list(disk.folder.rglob("*.tmp")), said
    disk.clear()


def content(root: Path) -> dict[str, bytes]:
    """Bytes of every file but markers and records, which hold times."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(root)): path.read_bytes() for path in files if path.suffix != ".json"
    }


def train(root: Path) -> list[object]:
    settings = {
        "preset": "tiny", "size": 32, "batch": 4, "steps": 4, "checkpoint_every": 2,
        "calibrate": 0, "networks.width": 4, "networks.path_width": 4,
        **{f"weights.{name}": value for name, value in WITHOUT_FEATURES.items()},
    }  # fmt: skip
    words = [word for key, value in settings.items() for word in ("--set", f"train.{key}={value}")]
    return ["train", "--only", "--workspace", root, "-j", 1, "-q", "--device", "cpu", *words]


@pytest.fixture
def no_plot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plot of the losses takes longer than a toy's training."""
    monkeypatch.setattr("faceprep.stages.train.run._losses", lambda *_: None)


def test_train_writes_the_generator_again(
    small_disk: SmallDisk, tmp_path: Path, no_plot: None
) -> None:
    whole, root = tmp_path / "whole", small_disk.folder / "ws"
    toy_workspace(whole)
    shutil.copytree(whole, root)
    assert faceprep(*train(whole))[0] == 0
    there = generator_folder(whole)
    sizes = {name: (there / name).stat().st_size for name in (HISTORY, RESUME, USE)}
    samples = sum(path.stat().st_size for path in (there / "samples").iterdir())
    # Two checkpoints beside the one before; then the first, or also the second, has no room.
    for parts in (0.5 * sizes[RESUME], sizes[RESUME] + 0.5 * sizes[USE]):
        shutil.rmtree(root / "train", ignore_errors=True)
        refused(small_disk, train(root), int(parts) + sizes[HISTORY] + samples + 16 * KIB)
        code, said = faceprep(*train(root))
        assert code == 0, said
        for name in (RESUME, USE):
            files = [generator_folder(place) / name for place in (whole, root)]
            assert files[0].read_bytes() == files[1].read_bytes(), name
    # The last step is saved for the training, not for use: the older file is not taken for it.
    shutil.copyfile(generator_folder(root) / RESUME, tmp_path / RESUME)
    (generator_folder(root) / USE).unlink()
    refused(small_disk, train(root), sizes[USE] // 2)


@pytest.mark.parametrize("harm", ["deleted", "cut", "flipped"])
def test_train_mends_a_generator_that_was_lost(tmp_path: Path, no_plot: None, harm: str) -> None:
    root = toy_workspace(tmp_path / "ws").root
    assert faceprep(*train(root))[0] == 0
    file, other = (generator_folder(root) / name for name in (USE, RESUME))
    data, kept = file.read_bytes(), other.stat().st_mtime_ns
    if harm == "deleted":
        file.unlink()
    else:
        file.write_bytes(data[:-9] + (b"" if harm == "cut" else bytes(9)))
    code, said = faceprep(*train(root))
    assert code == 0, said
    assert file.read_bytes() == data
    assert other.stat().st_mtime_ns == kept
    assert (generator_folder(root) / INFO).is_file()


def augment(root: Path) -> list[object]:
    return ["augment", "--n", 60, "--workspace", root, "-j", 1, "-q", "--device", "cpu"]


def classify(root: Path) -> list[object]:
    words = ["classify", "--only", "--workspace", root, "-j", 1, "-q", "--device", "cpu"]
    return [*words, "--seeds", 1, "--set", "classify.size=32", "--set", "classify.updates=2"]


@pytest.mark.parametrize(
    ("verb", "result", "sizes"),
    [
        (augment, "augment/exprgan/images", (4 * KIB, 60 * KIB)),
        # Reading the crops needs 96 KiB: nothing fits, they do not, the table does not.
        (classify, "classify", (4 * KIB, 60 * KIB, 112 * KIB)),
    ],
)
def test_stages_go_on_when_there_is_space(
    small_disk: SmallDisk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verb: Callable[[Path], list[object]],
    result: str,
    sizes: tuple[int, ...],
) -> None:
    monkeypatch.setattr("faceprep.report.accuracy.files.plot_accuracy", lambda *_: "none")
    whole, root = tmp_path / "whole", small_disk.folder / "ws"
    generator_workspace(whole, people=8)
    for size in sizes:
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(whole, root)
        refused(small_disk, verb(root), size)
        code, said = faceprep(*verb(root))
        assert code == 0, said
    assert faceprep(*verb(whole))[0] == 0
    assert content(root / result).keys() == content(whole / result).keys()


def test_demo_goes_on_when_there_is_space(small_disk: SmallDisk) -> None:
    root = small_disk.folder / "data"
    words = ["demo", root, "--subjects", 1, "--frames", 4, "-q"]
    refused(small_disk, words, 40 * KIB)
    assert faceprep(*words) == (0, "")
    assert not (root / "faceprep_demo" / "tmp").exists()


def test_pictures(small_disk: SmallDisk, tmp_path: Path) -> None:
    root = generator_workspace(tmp_path / "ws", people=8).root
    out = small_disk.folder / "picture.png"
    face, words = "folder/S7/anger", ["--workspace", root, "--device", "cpu", "-o", out]
    verbs = (
        ["edit", face, "--to", "happiness", *words],
        ["edit", face, "--grid", *words],
        ["new-faces", "--count", 1, *words],
        ["show", root, "--sheet", out],
    )
    for verb in verbs:
        refused(small_disk, verb, 0)
        assert not out.exists()
        code, said = faceprep(*verb)
        assert code == 0, said
        refused(small_disk, verb, 0)  # the picture before stays
        assert out.stat().st_size
        out.unlink()
