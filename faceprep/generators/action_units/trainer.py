"""Trainer of the kinds that are driven by Action Units, for `faceprep.training.loop`."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from faceprep.generators.action_units.batch import batches
from faceprep.generators.action_units.model import ActionUnitNetwork
from faceprep.generators.action_units.monitor import inspect, samples
from faceprep.generators.action_units.recipe import Recipe
from faceprep.generators.action_units.step import ActionUnitStep
from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.blocks.layers import channels_last
from faceprep.generators.blocks.projected import standardise
from faceprep.training.trainer import Inspection, Phase, Samples, Trainer, TrainingData


class ActionUnitTrainer(Trainer):
    """Trainer of networks in one phase.

    `model`, `recipe`: networks with fresh weights, and settings.
    `data`: faces and seed; the crops determine the device.
    `phi`, `trusted`: face features, if a loss needs them, and weights of the labels.
    `notes`: additions to ``train.json``.
    """

    model: ActionUnitNetwork
    shown = ("known", "label_frozen", "label_critic", "adversarial_projected", "adversarial")

    def __init__(
        self,
        model: ActionUnitNetwork,
        recipe: Recipe,
        data: TrainingData,
        phi: FrozenFeatures | None = None,
        trusted: Tensor | None = None,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        model = model.train()
        if data.crops.images.is_cuda:  # with instance norms it is slower on a CPU
            model = channels_last(model)
        super().__init__(model, [phase_of(recipe, len(data.crops))], data)
        self.recipe, self.phi, self.trusted = recipe, phi, trusted
        self.notes = dict(notes or {})
        self.averaged, self.half_life = model.generators, recipe.average
        noise = self.streams.draws["noise"]
        self._next_batch = batches(data.crops, self.order, noise, model.config, recipe)
        standardise(model.d_projected, phi, data.crops)

    def begin(self, phase: int) -> None:
        """Begin the phase with fresh optimizers."""
        steps = self.phases[phase].steps
        self._step = ActionUnitStep(
            self.model, self.recipe, steps, self.phi, self.trusted, self.data.compiled
        )
        self.optimizers = self._step.optimizers

    def step(self, index: int) -> dict[str, Tensor]:
        """Train on one batch; `index` counts from 0."""
        return self._step(self._next_batch(index), index)

    def inspect(self, recent: Mapping[str, float]) -> Inspection:
        """Detect known failures."""
        return inspect(self.model, self.recipe, self.data.crops, self.data.unseen, self.phi)

    def samples(self) -> Samples:
        """Edit training faces to every expression, and change single labels."""
        return samples(self.model, self.data.crops)


def phase_of(recipe: Recipe, faces: int) -> Phase:
    """Return the phase with its length for a number of training faces."""
    return Phase("edits", recipe.length(faces), recipe.batch, recipe.learning_rate)
