"""A workspace with painted faces and a toy of face features, on which a training takes seconds."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from builders.exprgan import smallest
from faceprep.core.images import write_png
from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R
from faceprep.faces.features.base import Layer
from faceprep.generators.exprgan.forward import ON_FEATURES
from faceprep.generators.exprgan.schedule import phases
from faceprep.generators.exprgan.setup import ExprGANSetup
from faceprep.generators.exprgan.trainer import ExprGANTrainer
from faceprep.training.crops import Crops, make_crops
from faceprep.training.loop import Job, Training
from faceprep.training.trainer import TrainingData
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard

LABELS = ("anger", "happiness", "neutral", "surprise")

#: Losses that look at face features, off.
WITHOUT_FEATURES = dict.fromkeys(ON_FEATURES, 0.0)

#: The smallest networks, without face features, as words of the command line.
SMALLEST = [
    word
    for key, value in {
        **{f"weights.{name}": value for name, value in WITHOUT_FEATURES.items()},
        **dict.fromkeys(("networks.width", "networks.d_width", "networks.path_width"), 4),
        "networks.d_features": 16,
    }.items()
    for word in ("--set", f"train.{key}={value}")
]


def picture(person: int, label: int, size: int = 32) -> np.ndarray:
    """A person is a colour, an expression a bar at a height of its own."""
    random = np.random.default_rng(person)
    face = np.empty((size, size, 3), np.uint8)
    face[:] = random.integers(60, 200, 3)
    top = size * (2 * label + 1) // (2 * len(LABELS) + 1)
    face[top : top + size // 8, size // 4 : -size // 4] = 240
    return np.clip(face + random.integers(-8, 9, face.shape), 0, 255).astype(np.uint8)


def crops(people: int = 6, size: int = 32) -> Crops:
    """Every person with every expression."""
    pairs = [(person, label) for person in range(people) for label in range(len(LABELS))]
    return make_crops(
        [picture(person, label) for person, label in pairs],
        [f"{person}/{LABELS[label]}" for person, label in pairs],
        [LABELS[label] for _, label in pairs],
        [f"S{person}" for person, _ in pairs],
        LABELS,
        size,
    )


class ToyFeatures(nn.Module):
    """Two fixed convolutions, with the interface of face features."""

    perceptual_layers = ("low", "high")
    layers = {"low": Layer(8, 1), "high": Layer(8, 4)}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(5)
        self.low = torch.randn(8, 3, 3, 3, generator=draw) * 0.3
        self.high = torch.randn(8, 8, 3, 3, generator=draw) * 0.2

    def activations(self, x: Tensor, layers: Any) -> dict[str, Tensor]:
        low = F.relu(F.conv2d(x, self.low, padding=1))
        high = F.relu(F.conv2d(F.avg_pool2d(low, 4), self.high, padding=1))
        found = {"low": low, "high": high, "embedding": high.mean(dim=(2, 3))}
        return {name: found[name] for name in layers}


@dataclass(frozen=True, kw_only=True)
class Toy:
    """Parts of a training of a few steps at 32 pixels; `Toy.begin` builds it."""

    setup: ExprGANSetup
    data: TrainingData
    job: Job

    @property
    def trainer(self) -> ExprGANTrainer:
        return self.setup.trainer(self.data)

    def begin(self) -> Training:
        return Training(self.trainer, self.job)


def toy(folder: Path, preset: str = "tiny", **changes: Any) -> Toy:
    """A training of six steps at 32 pixels, every loss of its preset.

    `changes`: ``recipe`` for `phases`, ``seed``, ``unseen``, and fields of `Job`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    faces = crops()
    seed = changes.pop("seed", 0)
    recipe = {"steps": 6, "batch": 4, **changes.pop("recipe", {})}
    projected = () if preset == "paper" else (8, 8)
    config = replace(smallest(projected_channels=projected), classes=faces.classes)
    if preset == "paper":
        config = replace(
            config, preset="paper", source_path=False, class_head=False, d_norm="batch"
        )
    setup = ExprGANSetup(config, phases(preset, **recipe), ("low", "high"))
    data = TrainingData(
        crops=faces, unseen=changes.pop("unseen", None), features=ToyFeatures(), seed=seed
    )
    facts = {**setup.identity(), "seed": seed, **changes.pop("facts", {})}
    settings = {"checkpoint_every": 3, **changes}
    job = Job(folder=folder, subjects=["S0"], seed=seed, facts=facts, **settings)
    return Toy(setup=setup, data=data, job=job)


class Silent:
    """A reporter that remembers what was said, and may do something at a step."""

    def __init__(self, at_update: Any = None) -> None:
        self.said: list[str] = []
        self.notes: list[str] = []
        self.at_update = at_update

    def say(self, message: str) -> None:
        self.said.append(message)

    def start(self, title: str, total: int | None, done: int = 0) -> None:
        self.total, self.done = total, done

    def update(self, done: int, note: str = "", below: str = "", left: float | None = None) -> None:
        self.notes.append(note)
        if self.at_update is not None:
            self.at_update(len(self.notes))

    def finish(self) -> None:
        pass


def toy_workspace(
    root: Path, people: int = 6, size: int = 32, measured: bool = False, **changes: str
) -> Workspace:
    """A workspace whose `select` and `align` are finished; the last two people are the test's.

    `measured` adds landmarks that depend on the expression, and `aus`; `changes` put a subject
    (``S0``) on another side of the split.
    """
    workspace = Workspace(root)
    split = {f"S{person}": "test" if person >= people - 2 else "train" for person in range(people)}
    split |= changes
    select, align, aus = [], [], []
    with pending_shard(workspace, "align", 0) as pending:
        for person in range(people):
            for label, name in enumerate(LABELS):
                face_id = f"folder/S{person}/{name}"
                file = face_id.replace("/", "__") + ".png"
                write_png(pending.images / file, picture(person, label, size))
                select.append(
                    {
                        "face_id": face_id,
                        "dataset": "folder",
                        "subject": f"S{person}",
                        "path": file,
                        "expression": name,
                        "role": "still",
                        "split": split[f"S{person}"],
                        "fold": person % 3,
                    }
                )
                align.append(
                    {
                        "face_id": face_id,
                        "status": "ok",
                        "detector": "given",
                        "faces_found": 1,
                        "landmarks68": [1.0 + measured * label] * 136,
                        "crop": f"images/00000/{file}",
                    }
                )
                aus.append(
                    {
                        "face_id": face_id,
                        "status": "ok",
                        "backend": "landmarks",
                        **{name: float(label) for name in COLUMNS_R},
                        **dict.fromkeys(COLUMNS_C, False),
                    }
                )
        pending.commit(table_from_rows("align", align), **_HASHES)
    if measured:
        with pending_shard(workspace, "aus", 0) as pending:
            pending.commit(table_from_rows("aus", aus), **_HASHES)
        workspace.write_info("aus", {"stage": "aus", "shards": 1})
    with pending_shard(workspace, "select", 0) as pending:
        pending.commit(table_from_rows("select", select), **_HASHES)
    recorded = {"config": {"select": {"dataset": "folder"}}, "root": str(root)}
    for stage in ("select", "align"):
        workspace.write_info(stage, {"stage": stage, "shards": 1, **recorded})
    return workspace


_HASHES: dict[str, Any] = {
    "input_hash": "input",
    "config_hash": "config",
    "provenance": {},
    "seconds": 0.0,
}
