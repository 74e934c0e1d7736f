"""Toy workspaces with a generator that was never trained: its faces differ, and take no time."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from builders.exprgan import smallest
from builders.training import LABELS, toy_workspace
from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.generators.exprgan import build
from faceprep.generators.store import save_generator
from faceprep.stages.augment.quality_filter import Verdict
from faceprep.stages.augment.result import AugmentResult
from faceprep.stages.augment.run import run_augment
from faceprep.workspace import Workspace


def generator_workspace(root: Path, people: int = 6, seed: int = 0, **changes: str) -> Workspace:
    """`toy_workspace` with a generator whose edits show the code."""
    workspace = toy_workspace(root, people, **changes)
    config = replace(smallest(residual_init=1.0), classes=LABELS)
    model = build(config, seed=seed).eval()
    folder = root / "train" / "exprgan"
    folder.mkdir(parents=True)
    save_generator(folder / "generator.safetensors", "exprgan", model, config.to_json())
    return workspace


def augment_config(root: Path, workers: int = 1, **augment: Any) -> Config:
    values = {"shard_size": 24, **augment}
    return Config.model_validate(
        {"workspace": str(root), "workers": workers, "device": "cpu", "augment": values}
    )


def make_faces(
    root: Path, count: int, workers: int = 1, options: Options | None = None, **augment: Any
) -> AugmentResult:
    config = augment_config(root, workers, **augment)
    return run_augment(config, count, options or Options(), Progress(quiet=True))


def pictures(root: Path, generator: str = "exprgan") -> dict[str, str]:
    """Hash of every synthetic picture, by its name."""
    found = sorted((root / "augment" / generator / "images").rglob("*.png"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def all_files(root: Path) -> dict[str, str]:
    """Hash of every file of ``augment`` but markers, which tell seconds and host."""
    found = sorted((root / "augment").rglob("*"))
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if path.is_file() and path.suffix != ".json"
    }


class EveryThird:
    """A filter that lets a face pass by its pixels, about one of three."""

    classifier = None
    real = None

    def __call__(self, images: np.ndarray, expressions: list[str], features: object) -> Verdict:
        passed = images.reshape(len(images), -1).sum(1) % 3 == 0
        return Verdict(
            passed, np.ones(len(images), bool), images.reshape(len(images), -1).mean(1),
            ["read as somebody else"] * len(images),
        )  # fmt: skip
