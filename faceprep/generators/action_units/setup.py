"""Resolve the settings of a training by Action Units."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from faceprep.generators.action_units.batch import labels_of_crops
from faceprep.generators.action_units.config import ActionUnitConfig, resolve
from faceprep.generators.action_units.label_head import fit_label_head
from faceprep.generators.action_units.model import ActionUnitNetwork
from faceprep.generators.action_units.pairs import Pairs
from faceprep.generators.action_units.recipe import Recipe, needs_features
from faceprep.generators.action_units.trainer import ActionUnitTrainer, phase_of
from faceprep.generators.base import build_network
from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.blocks.memory import FEATURE_OUTPUTS, outputs_by_network
from faceprep.generators.recipes import changed
from faceprep.training.trainer import (
    FeatureLoader,
    Phase,
    SetupFactory,
    TrainingData,
    TrainingSetup,
)

if TYPE_CHECKING:
    from faceprep.config import TrainConfig

#: Settings that a resumed training may change: its length.
_LENGTHS = {"steps", "epochs"}

#: Number of last layers of the face features that the frozen map reads.
_HEAD_LAYERS = 3

#: Side from which the finest layer of the face features is informative, pixels.
_FINE = 128

#: Passes through the networks that edit, the critic and the face features that keep activations.
_EDITS, _JUDGED, _SEEN = 2, 3, 2


@dataclass(frozen=True)
class Preset:
    """Defaults of a preset: settings of the networks, and recipe."""

    networks: Mapping[str, Any]
    recipe: Recipe
    projects: bool = False  # whether there is a projected discriminator


class ActionUnitSetup(TrainingSetup):
    """Training setup of a kind driven by Action Units.

    `network`, `networks`, `recipe`: class and settings of the networks, and settings of the losses.
    `projected`: layers that the projected discriminator reads.
    """

    def __init__(
        self,
        network: type[ActionUnitNetwork],
        networks: ActionUnitConfig,
        recipe: Recipe,
        projected: tuple[str, ...] = (),
    ) -> None:
        super().__init__(network, networks)
        self.network, self.recipe, self.projected = network, recipe, projected
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
        size, count = self.networks.size, len(self.networks.labels)
        x = torch.empty(1, 3, size, size, device="meta")
        labels = torch.empty(1, count, device="meta")
        model = self.sketch.eval()
        counts = outputs_by_network(
            model, lambda: (model.edit_parts(x, labels, labels), model.critic(x))
        )
        passes = {"critic": _JUDGED}
        total = sum(passes.get(name, _EDITS) * outputs for name, outputs in counts.items())
        total += _SEEN * FEATURE_OUTPUTS if self.needs_features else 0
        return 4 * total * self.recipe.batch

    def trainer(self, data: TrainingData) -> ActionUnitTrainer:
        """Build networks with fresh weights; fit the frozen map if a loss needs it."""
        device = str(data.crops.images.device)
        model = build_network(self.network, self.networks, device, data.seed)
        recipe, weights = self.recipe, self.recipe.weights
        if recipe.features_every > 1 and not Pairs(data.crops).occur(recipe.known_limit):
            recipe = replace(recipe, features_every=1)
            data.say(
                "train: hardly two faces of a person are alike enough to compare edits with them:"
                f" all steps read face features, not one in {self.recipe.features_every}"
            )
        phi: FrozenFeatures | None = None
        trusted: Tensor | None = None
        notes: dict[str, Any] = {}
        if data.features is not None:
            phi = FrozenFeatures(data.features, projected=self.projected)
            if weights.label_frozen or weights.label_deformed:
                phi, trusted, notes = self._with_head(phi, data)
        return ActionUnitTrainer(model, recipe, data, phi, trusted, notes)

    def _with_head(
        self, phi: FrozenFeatures, data: TrainingData
    ) -> tuple[FrozenFeatures, Tensor, dict[str, Any]]:
        layers = phi.features.perceptual_layers[-_HEAD_LAYERS:]
        head, trusted, fit = fit_label_head(
            phi.features,
            data.crops,
            labels_of_crops(data.crops, self.networks),
            self.networks.labels,
            layers,
            data.seed,
            self.recipe.augment,
        )
        data.say(
            f"train: the frozen map reads {fit.mean:.0%} of the variance of the labels of training"
            " people left out"
        )
        return replace(phi, head=head), trusted, {"label_head": asdict(fit)}


def setup_factory(
    network: type[ActionUnitNetwork],
    config: type[ActionUnitConfig],
    presets: Mapping[str, Preset],
) -> SetupFactory:
    """Return the function that resolves the settings of ``[train]`` for a kind.

    It raises UsageError if a switch or a loss is unknown or a value invalid, and MissingToolError
    if a loss needs face features whose weights are missing.
    """

    def setup(
        settings: "TrainConfig", classes: Sequence[str], features: FeatureLoader
    ) -> ActionUnitSetup:
        preset = presets[settings.preset]
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
        defaults = {"preset": settings.preset, **preset.networks, **size}
        layers: tuple[str, ...] = ()
        weights = recipe.weights
        if preset.projects and (weights.adversarial_projected or weights.label_projected):
            loaded = features()
            coarse = defaults["size"] < _FINE
            layers = loaded.perceptual_layers[1:] if coarse else loaded.perceptual_layers
            defaults["projected_channels"] = tuple(loaded.layers[one].channels for one in layers)
        networks = resolve(config, defaults, tuple(classes), settings.networks)
        return ActionUnitSetup(network, networks, recipe, layers)

    return setup
