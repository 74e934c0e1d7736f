"""Trainer of the generator guided by landmarks, for `faceprep.training.loop`."""

from collections.abc import Mapping

from torch import Tensor

from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.blocks.layers import channels_last
from faceprep.generators.landmark_gan.batch import batches
from faceprep.generators.landmark_gan.monitor import inspect, samples
from faceprep.generators.landmark_gan.networks import LandmarkGAN
from faceprep.generators.landmark_gan.recipe import Recipe
from faceprep.generators.landmark_gan.step import LandmarkStep
from faceprep.training.trainer import Inspection, Phase, Samples, Trainer, TrainingData


class LandmarkTrainer(Trainer):
    """Trainer of networks in one phase.

    `model`, `recipe`: networks with fresh weights, and settings.
    `data`: faces and seed; the crops determine the device.
    `phi`: face features, if a loss reads them.
    """

    model: LandmarkGAN
    averaged = ("generator",)
    shown = ("squared", "pixel", "perceptual", "adversarial")

    def __init__(
        self,
        model: LandmarkGAN,
        recipe: Recipe,
        data: TrainingData,
        phi: FrozenFeatures | None = None,
    ) -> None:
        model = channels_last(model.train())
        super().__init__(model, [phase_of(recipe, len(data.crops))], data)
        self.recipe, self.phi, self.half_life = recipe, phi, recipe.average
        self._next_batch = batches(data.crops, self.order, self.streams.draws["noise"], recipe)

    def begin(self, phase: int) -> None:
        """Begin the phase with fresh optimizers."""
        steps = self.phases[phase].steps
        self._step = LandmarkStep(self.model, self.recipe, steps, self.phi, self.data.compiled)
        self.optimizers = self._step.optimizers

    def step(self, index: int) -> dict[str, Tensor]:
        """Train on one batch; `index` counts from 0."""
        return self._step(self._next_batch(index), index)

    def inspect(self, recent: Mapping[str, float]) -> Inspection:
        """Detect known failures."""
        return inspect(self.model, self.recipe, self.data.crops, self.data.unseen)

    def samples(self) -> Samples:
        """Edit training faces towards other faces of the same people."""
        return samples(self.model, self.data.crops)


def phase_of(recipe: Recipe, faces: int) -> Phase:
    """Return the phase with its length for a number of training faces."""
    return Phase("pairs", recipe.length(faces), recipe.batch, recipe.learning_rate)
