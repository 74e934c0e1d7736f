"""A small finished workspace without detection, and a record of everything finished in one."""

import hashlib
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from builders.align import face_at, photograph
from builders.training import SMALLEST
from faceprep.cli import app
from faceprep.core.files import file_sha256
from faceprep.workspace import Workspace

#: Settings that keep every verb below a second.
SMALL = {
    "FACEPREP_WORKERS": "1",
    "FACEPREP_DEVICE": "cpu",
    "FACEPREP_TRAIN_STEPS": "2",
    "FACEPREP_TRAIN_CALIBRATE": "0",
    "FACEPREP_AUGMENT_FILTER": "none",
    "FACEPREP_CLASSIFY_UPDATES": "2",
    "FACEPREP_CLASSIFY_NEAR_DUPLICATES": "0",
}
#: Commands that finish the workspace ``ws`` of the photographs ``photos``.
FINISH = (
    "run --dataset folder --root photos --workspace ws --set align.detector=given"
    " --set align.size=32 --set shard_size=6 --set select.split=random --set select.folds=2",
    f"train --workspace ws --set train.preset=tiny --set train.size=32 {shlex.join(SMALLEST)}",
    "augment --workspace ws --n 6",
    "classify --workspace ws --sweep 0,6 --seeds 1",
)
STAGES = ("select", "align", "heatmaps", "aus", "augment/exprgan")


def draw_photographs(root: Path, people: int = 6) -> None:
    """Write photographs of faces whose 68 landmarks a table holds."""
    root.mkdir()
    rows = []
    for person in range(people):
        for number, expression in enumerate(("anger", "fear", "happiness")):
            name = f"p{person}_{expression}.png"
            cv2.imwrite(str(root / name), photograph(3 * person + number, 120, 120))
            points = face_at(60 + person, 60, 0.7).round(2).ravel()
            points_text = " ".join(map(str, points))
            rows.append(
                {
                    "image": name,
                    "expression": expression,
                    "subject": f"p{person}",
                    "landmarks68": points_text,
                }
            )
    pd.DataFrame(rows).to_csv(root / "labels.csv", index=False)


def invoke(words: str) -> Result:
    """Type a command in this process."""
    return CliRunner().invoke(app, words.split(), catch_exceptions=False)


def finished(root: Path) -> dict[tuple[str, ...], str]:
    """Return everything finished in a workspace: its name → hash of its content.

    Rows of intact shards with their images, the trained generator, and the measured accuracies.
    """
    place = Workspace(root)
    found: dict[tuple[str, ...], str] = {}
    for stage in STAGES:
        for shard in place.shards(stage):
            marker = place.marker(stage, shard)
            if marker is None or not place.is_done(stage, shard, marker.input, marker.config):
                continue
            for row in place.read(stage, shard).to_pylist():
                found[stage, row["face_id"]] = _hash(place.folder(stage), row)
    generator = root / "train/exprgan/generator.safetensors"
    if generator.is_file():
        found["train", "exprgan"] = file_sha256(generator)
    table = root / "classify/accuracy.parquet"
    if table.is_file():
        for row in pd.read_parquet(table).to_dict("records"):
            key = ("classify", str(row["n_synthetic"]), str(row["seed"]), str(row["fold"]))
            found[key] = str(row["correct"])
    return found


def _hash(folder: Path, row: dict[str, Any]) -> str:
    digest = hashlib.sha256(repr(sorted(row.items(), key=str)).encode())
    for column in ("crop", "heatmap"):
        if row.get(column):
            digest.update((folder / row[column]).read_bytes())
    return digest.hexdigest()


class KilledError(BaseException):
    """The process ends here: nothing is cleaned up."""


@dataclass
class Killer:
    """Kills the process before its n-th change of a folder."""

    left: int
    killed: bool = False
    calls: list[str] = field(default_factory=list)


@contextmanager
def killed_after(changes: int) -> Iterator[Killer]:
    """End the command before it changes a folder for the n-th time, as ``kill -9`` does.

    Nothing that runs afterwards, such as a `finally`, changes a folder either.
    """
    killer = Killer(changes)

    def counted(name: str) -> Any:
        original = getattr(os, name)

        def call(*words: Any, **named: Any) -> Any:
            if killer.left <= 0:
                killer.killed = True
                raise KilledError(name)
            killer.left -= 1
            killer.calls.append(name)
            return original(*words, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "rename", "unlink", "rmdir", "mkdir", "link"):
            patch.setattr(os, name, counted(name))
        try:
            yield killer
        except KilledError:
            killer.killed = True


def leftovers(root: Path) -> list[str]:
    """Return the temporary files and folders in a workspace."""
    return [str(path.relative_to(root)) for path in root.rglob("*.tmp*")]


def copy_of(source: Path, target: Path) -> Path:
    """Copy a folder to a new place."""
    return Path(shutil.copytree(source, target))
