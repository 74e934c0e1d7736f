"""Resolve the settings of a training by landmarks."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from faceprep.generators.base import build_network
from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.blocks.memory import FEATURE_OUTPUTS, outputs_by_network
from faceprep.generators.landmark_gan.config import LandmarkConfig
from faceprep.generators.landmark_gan.networks import LandmarkGAN, Request
from faceprep.generators.landmark_gan.presets import PRESETS
from faceprep.generators.landmark_gan.recipe import Recipe, needs_features
from faceprep.generators.landmark_gan.trainer import LandmarkTrainer, phase_of
from faceprep.generators.recipes import changed
from faceprep.training.trainer import FeatureLoader, Phase, TrainingData, TrainingSetup

if TYPE_CHECKING:
    from faceprep.config import TrainConfig

#: Settings that a resumed training may change: its length.
_LENGTHS = {"steps", "epochs"}

#: Passes through the discriminators and the face features that keep activations.
_JUDGED, _SEEN = 3, 2


class LandmarkSetup(TrainingSetup):
    """Training setup.

    `networks`, `recipe`: settings of the networks, and of the losses.
    """

    def __init__(self, networks: LandmarkConfig, recipe: Recipe) -> None:
        super().__init__(LandmarkGAN, networks)
        self.recipe = recipe
        self.needs_features = needs_features(recipe.weights)
        self.driven_by = self.sketch.driven_by

    def phases(self, faces: int) -> list[Phase]:
        """Return the only phase."""
        return [phase_of(self.recipe, faces)]

    def identity(self) -> dict[str, Any]:
        """Return the settings of the losses without the length."""
        recipe = asdict(self.recipe)
        return {"recipe": {key: one for key, one in recipe.items() if key not in _LENGTHS}}

    def activations(self) -> int:
        """Estimate the memory of a step's activations, bytes."""
        model, size = self.sketch.eval(), self.networks.size
        with torch.device("meta"):
            x, points = torch.empty(1, 3, size, size), torch.empty(1, 68, 2)
            request = Request(x, points, points, torch.empty(1, len(self.networks.classes)))
            maps = torch.empty(1, self.networks.maps, size, size)

        def run() -> None:
            model.generator(request)
            model.d_image(torch.cat([x, x], 1))
            model.d_geometry(torch.cat([x, maps], 1))

        judged = _JUDGED if self.recipe.weights.adversarial else 0
        total = sum(
            (1 if name == "generator" else judged) * outputs
            for name, outputs in outputs_by_network(model, run).items()
        )
        total += _SEEN * FEATURE_OUTPUTS if self.needs_features else 0
        return 4 * total * self.recipe.batch

    def trainer(self, data: TrainingData) -> LandmarkTrainer:
        """Build networks with fresh weights."""
        device = str(data.crops.images.device)
        model = build_network(LandmarkGAN, self.networks, device, data.seed)
        phi = None if data.features is None else FrozenFeatures(data.features)
        return LandmarkTrainer(model, self.recipe, data, phi)


def setup(
    settings: "TrainConfig", classes: Sequence[str], features: FeatureLoader
) -> LandmarkSetup:
    """Resolve the settings of ``[train]``.

    Raises
    ------
    UsageError
        A switch or a loss is unknown, or a value is invalid.
    """
    preset = PRESETS[settings.preset]
    recipe = changed(
        preset.recipe,
        steps=settings.steps,
        epochs=settings.epochs,
        batch=settings.batch,
        learning_rate=settings.learning_rate,
        weights=settings.weights,
        switches=settings.recipe,
    )
    size = {} if settings.size is None else {"size": settings.size}
    networks = LandmarkConfig.from_json(
        {
            "preset": settings.preset,
            "classes": tuple(classes),
            **preset.networks,
            **size,
            **settings.networks,
        }
    )
    return LandmarkSetup(networks, recipe)
