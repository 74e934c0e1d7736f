"""Trainer of ExprGAN for `faceprep.training.loop`."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.blocks.layers import channels_last
from faceprep.generators.blocks.projected import standardise
from faceprep.generators.exprgan.batch import batches
from faceprep.generators.exprgan.config import ExprGANConfig
from faceprep.generators.exprgan.model import GENERATOR_NETWORKS, ExprGAN, build
from faceprep.generators.exprgan.monitor import inspect, samples
from faceprep.generators.exprgan.phase import PhaseRecipe
from faceprep.generators.exprgan.prior import PRIOR, fit_prior
from faceprep.generators.exprgan.step import ExprGANStep
from faceprep.training.trainer import Inspection, Phase, Samples, Trainer, TrainingData

#: Largest number of measured identities, and batch size.
_MEASURED, _AT_ONCE = 2048, 64


class ExprGANTrainer(Trainer):
    """Trainer of ExprGAN.

    `config`, `recipes`: settings of the networks, and of each phase.
    `data`: faces and seed; the crops determine the device.
    `phi`: face features, if a loss needs them.
    `notes`: additions to ``train.json``.
    """

    model: ExprGAN
    averaged = GENERATOR_NETWORKS
    shown = ("pixel", "class_frozen", "adversarial_projected", "adversarial", "q")

    def __init__(
        self,
        config: ExprGANConfig,
        recipes: Sequence[PhaseRecipe],
        data: TrainingData,
        phi: FrozenFeatures | None = None,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        device = str(data.crops.images.device)
        model = channels_last(build(config, device=device, seed=data.seed).train())
        super().__init__(model, phases_of(recipes, len(data.crops)), data)
        self.recipes, self.phi = recipes, phi
        self.notes = dict(notes or {})
        self.half_life = max(recipe.average for recipe in recipes)
        self._next_batch = batches(data.crops, self.order, self.streams.draws["noise"], config)
        standardise(model.d_projected, phi, data.crops)

    def begin(self, phase: int) -> None:
        """Begin a phase with fresh optimizers."""
        self._number = phase
        self._step = ExprGANStep(self.model, self.recipe, self.phi, self.data.compiled)
        self.optimizers = self._step.optimizers

    @property
    def recipe(self) -> PhaseRecipe:
        """Settings of the current phase."""
        return self.recipes[self._number]

    def step(self, index: int) -> dict[str, torch.Tensor]:
        """Train on one batch; `index` counts from 0 within the phase."""
        return self._step(self._next_batch(self.recipe, self._number, index), index)

    def measure(self) -> dict[str, Any]:
        """Measure the distribution of the identities of some training faces."""
        if self.recipe.name != "joint":
            return {}
        crops = self.data.crops
        chosen = torch.arange(0, len(crops), -(-len(crops) // _MEASURED))
        parts = [self.model.encode(crops.batch(some)) for some in chosen.split(_AT_ONCE)]
        self.model.prior = fit_prior(torch.cat(parts))
        return {PRIOR: self.model.prior.to_json()}

    def inspect(self, recent: Mapping[str, float]) -> Inspection:
        """Detect known failures."""
        data = self.data
        return inspect(self.model, self.recipe, data.crops, data.unseen, self.phi, recent)

    def samples(self) -> Samples:
        """Edit training faces, and generate new ones."""
        return samples(self.model, self.data.crops)


def phases_of(recipes: Sequence[PhaseRecipe], faces: int) -> list[Phase]:
    """Return the phases with their lengths for a number of training faces."""
    return [
        Phase(recipe.name, recipe.length(faces), recipe.batch, recipe.learning_rate)
        for recipe in recipes
    ]
