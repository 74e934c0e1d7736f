"""Small networks, faces and trainings of the kind that is driven by landmarks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from builders.training import ToyFeatures, crops
from faceprep.generators.landmark_gan.config import LandmarkConfig
from faceprep.generators.landmark_gan.networks import LandmarkGAN, Request
from faceprep.generators.landmark_gan.presets import PRESETS
from faceprep.generators.landmark_gan.setup import LandmarkSetup
from faceprep.generators.recipes import changed
from faceprep.generators.registry import spec_of
from faceprep.training.crops import Crops
from faceprep.training.loop import Job, Training
from faceprep.training.trainer import TrainingData

#: Settings of the smallest networks.
SMALLEST = {"size": 32, "width": 4, "blocks": 2, "d_width": 2}


def faces_with_landmarks(people: int = 6) -> Crops:
    """Return faces whose landmarks are those of the person, lower with the number of the label."""
    faces = crops(people)
    shapes = torch.rand(people, 68, 2, generator=torch.Generator().manual_seed(0)) * 0.6 + 0.2
    person = torch.tensor([int(name[1:]) for name in faces.subjects])
    points = shapes[person].clone()
    points[..., 1] += 0.03 * faces.labels[:, None]
    return replace(faces, landmarks=points, sequences=faces.subjects)


def network_config(preset: str = "tiny", **changes: Any) -> LandmarkConfig:
    """Return the configuration of small networks."""
    values = {**PRESETS[preset].networks, **SMALLEST, **changes}
    return LandmarkConfig(**{"preset": preset, "classes": crops().classes, **values})


def networks(preset: str = "tiny", **changes: Any) -> LandmarkGAN:
    """Return small networks."""
    made: Any = spec_of("landmark-gan").build(network_config(preset, **changes), seed=0)
    return made


def randomise(module: nn.Module) -> None:
    """Draw all weights but those of norms, so that every input has an effect."""
    for weight in module.parameters():
        if weight.dim() > 1:
            nn.init.normal_(weight, 0, 0.3)


def request(count: int = 2, classes: int = 4, size: int = 32) -> Request:
    """Return random faces with random landmarks and targets close to them."""
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(count, 3, size, size, generator=draw) * 2 - 1
    source = torch.rand(count, 68, 2, generator=draw)
    target = source + 0.05 * torch.randn(count, 68, 2, generator=draw)
    return Request(x, source, target, torch.eye(classes)[torch.arange(count) % classes])


def training(
    folder: Path,
    preset: str = "tiny",
    changes: dict[str, Any] | None = None,
    unseen: Crops | None = None,
    **recipe: Any,
) -> Training:
    """Begin a small training of six steps in a folder; `changes` are settings of the networks."""
    settings = {"steps": 6, "batch": 4, **recipe}
    setup = LandmarkSetup(
        network_config(preset, **(changes or {})), changed(PRESETS[preset].recipe, **settings)
    )
    features = ToyFeatures() if setup.needs_features else None
    data = TrainingData(crops=faces_with_landmarks(), unseen=unseen, features=features)
    folder.mkdir(parents=True, exist_ok=True)
    job = Job(folder=folder, subjects=["S0"], facts=setup.identity(), checkpoint_every=3)
    return Training(setup.trainer(data), job)
