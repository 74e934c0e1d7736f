"""Synthetic faces and their generator's file as `augment` and `train` leave them, in no time."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from builders.exprgan import smallest
from builders.training import LABELS, picture, toy_workspace
from faceprep.config import ClassifyConfig, Config
from faceprep.core.files import file_sha256
from faceprep.core.images import write_png
from faceprep.generators.exprgan import build
from faceprep.generators.store import save_generator
from faceprep.stages.classify.batches import Pool
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_folder
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard
from faceprep.workspace.synthetic import stage_of

#: A synthetic face is a person of its own, far from those of `toy_workspace`.
FIRST_PERSON = 1000


def write_generator(workspace: Workspace, name: str = "exprgan", **extra: Any) -> str:
    """A generator that was never trained, with what its file says; returns its checksum."""
    folder = generator_folder(workspace.root, name)
    folder.mkdir(parents=True, exist_ok=True)
    config = smallest()
    path = folder / "generator.safetensors"
    save_generator(path, "exprgan", build(config, seed=0), config.to_json(), extra=extra)
    return file_sha256(path)


def synthetic_faces(
    workspace: Workspace,
    checkpoint: str,
    count: int = 12,
    name: str = "exprgan",
    sources: list[str] | None = None,
    pictures: list[np.ndarray] | None = None,
    mode: str = "edit",
    **record: Any,
) -> Workspace:
    """Balanced synthetic faces, edits of `sources` in `mode`; `record` goes into ``stage.json``."""
    stage, rows = stage_of(name), []
    with pending_shard(workspace, stage, 0) as pending:
        for index in range(count):
            label = index % len(LABELS)
            file = f"{index:06d}.png"
            face = picture(FIRST_PERSON + index // len(LABELS), label)
            write_png(pending.images / file, pictures[index] if pictures else face)
            rows.append(
                {
                    "face_id": f"{name}/{index:06d}",
                    "status": "ok",
                    "index": index,
                    "generator": "exprgan",
                    "checkpoint": checkpoint,
                    "mode": mode if sources else "new",
                    "expression": LABELS[label],
                    "intensity": 1.0,
                    "code": [1.0],
                    "source_face_id": sources[index % len(sources)] if sources else None,
                    "seed": 0,
                    "rejected_judge": 0,
                    "rejected_features": 0,
                    "crop": f"images/00000/{file}",
                    "crop_sha256": file_sha256(pending.images / file),
                }
            )
        table = table_from_rows("augment", rows)
        made = {"settings": record.get("settings", {})}
        pending.commit(table, input_hash="input", config_hash="config", provenance=made, seconds=0)
    workspace.write_info(stage, {"stage": "augment", "shards": 1, "subjects": [], **record})
    return workspace


def people(*numbers: int) -> list[str]:
    """Persons of `toy_workspace`."""
    return [f"folder/S{number}" for number in numbers]


def configured(root: Path, **options: Any) -> Config:
    choices: dict[str, Any] = {
        "size": 32, "updates": 6, "batch": 8, "look_every": 3, "seeds": 1, "near_duplicates": 0,
    }  # fmt: skip
    return Config(workspace=root, workers=1, classify=ClassifyConfig(**{**choices, **options}))


def with_synthetic(root: Path, seen: list[str] | None = None, **more: Any) -> Workspace:
    """Eight people, the last two the test's, and twelve synthetic faces of an honest generator."""
    workspace = toy_workspace(root, people=8)
    checkpoint = write_generator(workspace, subjects=seen or people(0, 1, 2, 3, 4, 5))
    return synthetic_faces(workspace, checkpoint, **more)


def face_pool(first: int, people: int, side: int = 32) -> Pool:
    """Return the faces of persons from number `first` on, four expressions each."""
    pairs = [(person, label) for person in range(first, first + people) for label in range(4)]
    images = np.stack([picture(person, label, side) for person, label in pairs])
    labels = torch.tensor([label for _, label in pairs])
    return Pool(torch.from_numpy(images), torch.arange(len(labels)), labels)
