"""Small trainings of the kinds that are driven by Action Units."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from builders.training import ToyFeatures, crops
from faceprep.generators.action_units.setup import ActionUnitSetup
from faceprep.generators.recipes import changed
from faceprep.generators.registry import spec_of
from faceprep.training.crops import Crops
from faceprep.training.loop import Job, Training
from faceprep.training.trainer import TrainingData

KINDS = ("defgan", "ganimation")

#: Settings of the smallest networks.
SMALLEST = {"size": 32, "width": 4, "blocks": 1, "d_width": 2, "embedding": 8}


def measured_crops(people: int = 6) -> Crops:
    """Return faces whose Action Unit k is 4 with the expression k mod 4, else 0."""
    faces = crops(people)
    units = torch.zeros(len(faces), 17)
    for k in range(17):
        units[faces.labels == k % len(faces.classes), k] = 4.0
    return replace(faces, action_units=units)


def networks(kind: str, preset: str = "tiny", **changes: Any) -> Any:
    """Return small networks of a kind."""
    spec = spec_of(kind)
    config = network_config(kind, preset, **changes)
    return spec.build(config, seed=0)


def network_config(kind: str, preset: str = "tiny", **changes: Any) -> Any:
    """Return the configuration of small networks of a kind."""
    classes = changes.pop("classes", crops().classes)
    presets = _presets(kind)
    values = {**presets[preset].networks, **SMALLEST, **changes}
    return spec_of(kind).parse({"preset": preset, "classes": list(classes), **values})


def setup(kind: str, preset: str = "tiny", **recipe: Any) -> ActionUnitSetup:
    """Return the setup of a training of six steps with every loss of its preset."""
    # The faces are noise: those of a person differ more than photographs do.
    switches = {"known_limit": 4.0, **recipe.pop("switches", {})}
    settings = {"steps": 6, "batch": 4, "switches": switches, **recipe}
    projected = ("low", "high") if _presets(kind)[preset].projects else ()
    config = network_config(kind, preset, projected_channels=(8,) * len(projected))
    found = changed(_presets(kind)[preset].recipe, **settings)
    return ActionUnitSetup(spec_of(kind).network, config, found, projected)


def training(
    folder: Path, kind: str, preset: str = "tiny", unseen: Crops | None = None, **recipe: Any
) -> Training:
    """Begin a small training in a folder."""
    made = setup(kind, preset, **recipe)
    features = ToyFeatures() if made.needs_features else None
    data = TrainingData(crops=measured_crops(), unseen=unseen, features=features)
    folder.mkdir(parents=True, exist_ok=True)
    job = Job(folder=folder, subjects=["S0"], facts=made.identity(), checkpoint_every=3)
    return Training(made.trainer(data), job)


def _presets(kind: str) -> Any:
    from importlib import import_module

    return import_module(f"faceprep.generators.{kind}.presets").PRESETS
