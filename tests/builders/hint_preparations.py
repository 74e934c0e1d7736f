"""Prepare the folder of a trial of hints: add, damage or hide something before the command."""

import importlib.util
import json
import pkgutil
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from builders.toy_generators import spec
from builders.units import UnitPainter, save_painter
from faceprep.core.errors import FaceprepError
from faceprep.generators import registry
from faceprep.generators.base import Edited

Prepare = Callable[[Path, pytest.MonkeyPatch], object]


def written(**files: str | bytes) -> Prepare:
    """Write files; ``a__b_csv`` is ``a/b.csv``."""

    def prepare(place: Path, patch: pytest.MonkeyPatch) -> None:
        for name, text in files.items():
            stem, _, ending = name.replace("__", "/").rpartition("_")
            path = place / f"{stem}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)

    return prepare


def photographs(*names: str, folder: str = "faces", **files: str | bytes) -> Prepare:
    """Copy photographs of the demo to these names, and write files."""

    def prepare(place: Path, patch: pytest.MonkeyPatch) -> None:
        for name, photo in zip(names, sorted((place / "data").rglob("*.jpeg")), strict=False):
            (place / folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, place / folder / name)
        written(**files)(place, patch)

    return prepare


def zipped(place: Path, patch: pytest.MonkeyPatch) -> None:
    photograph = next((place / "data").rglob("*.jpeg")).read_bytes()
    with zipfile.ZipFile(place / "my faces.zip", "w") as packed:
        packed.writestr("joy/a.jpg", photograph)
    with tarfile.open(place / "my faces.tar", "w") as packed:
        packed.add(next((place / "data").rglob("*.jpeg")), "joy/b.jpg")


def frames_of_ck_plus(place: Path, patch: pytest.MonkeyPatch) -> None:
    """A CK+ with the frames of one sequence, and no expression."""
    for frame in range(1, 8):
        path = place / f"ck/images/S005/001/S005_001_{frame:08d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def fails_once(target: str, error: BaseException) -> Prepare:
    """Let a function raise an error the first time."""

    def prepare(place: Path, patch: pytest.MonkeyPatch) -> None:
        original, errors = pkgutil.resolve_name(target), [error]

        def called(*words: object, **named: object) -> object:
            if errors:
                raise errors.pop()
            return original(*words, **named)

        patch.setattr(target, called)

    return prepare


def copied(old: str, new: str, *stages: str) -> Prepare:
    """Copy a workspace, or some of its stages."""

    def prepare(place: Path, patch: pytest.MonkeyPatch) -> None:
        for stage in stages or (".",):
            shutil.copytree(place / old / stage, place / new / stage)

    return prepare


def damaged(pattern: str) -> Prepare:
    """Cut files short."""

    def prepare(place: Path, patch: pytest.MonkeyPatch) -> None:
        for path in list(place.glob(pattern)):
            path.write_bytes(path.read_bytes()[:-9])

    return prepare


def gives_once(target: str, value: object) -> Prepare:
    """Let a function return a value the first time."""

    def prepare(place: Path, patch: pytest.MonkeyPatch) -> None:
        original, values = pkgutil.resolve_name(target), [value]

        def called(*words: object, **named: object) -> object:
            return values.pop() if values else original(*words, **named)

        patch.setattr(target, called)

    return prepare


def stopped_early(place: Path, patch: pytest.MonkeyPatch) -> None:
    """Let the record of the training say that it was stopped before its last step."""
    path = place / "my ws/train/exprgan/train.json"
    info = json.loads(path.read_text())
    info["plan"]["steps"] = {"joint": info["steps"] + 1}
    path.write_text(json.dumps(info))


def trained_again(place: Path, patch: pytest.MonkeyPatch) -> None:
    """Let the record of the synthetic faces name another generator."""
    path = place / "my ws/augment/exprgan/stage.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "checkpoint": "another"}))


def uninstalled(*packages: str) -> Prepare:
    """Hide packages from `importlib.util.find_spec`."""

    def prepare(place: Path, patch: pytest.MonkeyPatch) -> None:
        known = importlib.util.find_spec
        hidden = lambda name, *rest: None if name in packages else known(name, *rest)  # noqa: E731
        patch.setattr(importlib.util, "find_spec", hidden)
        patch.setattr("faceprep.faces.model_files.find_spec", hidden)

    return prepare


def several(place: Path, patch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        shutil.copytree(place / "my ws", place / "manifests" / name)


def stops_at(target: str) -> Prepare:
    """Let a slow function say that it was reached."""

    def prepare(place: Path, patch: pytest.MonkeyPatch) -> None:
        def reached(*words: object, **named: object) -> None:
            raise FaceprepError(f"{target} was reached")

        patch.setattr(target, reached)

    return prepare


def repository(place: Path, patch: pytest.MonkeyPatch) -> None:
    """Commit the files of the folder."""
    (place / "that.json").write_text("{}")
    for words in (
        ["init", "-q"],
        ["add", "base.json", "that.json"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *words], check=True)


def environment(**variables: str) -> Prepare:
    return lambda place, patch: [patch.setenv(*one) for one in variables.items()]


def first_face_decides(enough: int) -> Prepare:
    """Let a stage stop after a number of failed faces, and copy three photographs."""

    def prepare(place: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setattr("faceprep.execution.failures._ENOUGH", enough)
        photographs("a.jpg", "b.jpg", "c.jpg")(place, patch)

    return prepare


def driven_by_units(place: Path, patch: pytest.MonkeyPatch) -> None:
    """Add a generator that is driven by Action Units, and the folder ``clip`` of two frames."""
    patch.setitem(registry._SPECS, UnitPainter.kind, spec(UnitPainter))
    save_painter(place / "my ws")
    photographs("1.jpg", "2.jpg", folder="clip")(place, patch)


def without_pyav(place: Path, patch: pytest.MonkeyPatch) -> None:
    """Hide PyAV from `driven_by_units`, and write a video."""
    driven_by_units(place, patch)
    for module in ("inference.clip", "report.reenactment"):
        patch.setattr(f"faceprep.{module}.find_spec", lambda name: None)
    written(a_mp4=b"\0\0\0\x18ftypisom")(place, patch)


def animated(place: Path, patch: pytest.MonkeyPatch) -> None:
    """Write a GIF of two frames beside `driven_by_units`, and the last frame of another clip."""
    driven_by_units(place, patch)
    first, second = Image.new("L", (64, 64)), Image.new("L", (64, 64), 9)
    first.save(place / "a.gif", save_all=True, append_images=[second])
    photographs("000007.png", folder="old")(place, patch)


def without_parts(place: Path, patch: pytest.MonkeyPatch) -> None:
    """Let ExprGAN return edits alone, as its preset `paper` does."""
    edit = lambda self, images, target: Edited(images)  # noqa: E731
    patch.setattr("faceprep.generators.exprgan.model.ExprGAN.edit", edit)
