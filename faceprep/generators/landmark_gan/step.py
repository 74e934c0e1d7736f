"""One training step: generator, then both discriminators."""

import torch
from torch import Tensor
from torch.optim import Adam

from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.blocks.optimisation import fixed, learn, rate_factor, weighted_sum
from faceprep.generators.landmark_gan.batch import Batch
from faceprep.generators.landmark_gan.losses import LandmarkLosses
from faceprep.generators.landmark_gan.networks import LandmarkGAN
from faceprep.generators.landmark_gan.recipe import Recipe


class LandmarkStep:
    """Update the networks.

    `model`, `recipe`, `steps`: networks, settings, and number of steps of the training.
    `phi`: face features, if a loss reads them.
    `compiled`: compile the generator, but not the discriminators: R1 differentiates twice.
    """

    def __init__(
        self,
        model: LandmarkGAN,
        recipe: Recipe,
        steps: int,
        phi: FrozenFeatures | None = None,
        compiled: bool = False,
    ) -> None:
        self.recipe, self.steps = recipe, steps
        self.device = next(model.parameters()).device
        generator = model.generator
        self.edit = torch.compile(generator, dynamic=False) if compiled else generator
        self.losses = LandmarkLosses(model, recipe, phi)
        self.judges = [*model.d_image.parameters(), *model.d_geometry.parameters()]
        rate, betas = recipe.learning_rate, recipe.betas
        self.optimizers = {
            "generator": Adam(generator.parameters(), lr=rate, betas=betas),
            "discriminators": Adam(self.judges, lr=rate, betas=betas),
        }

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Train on one batch; return unweighted losses and health numbers, scalars."""
        weights = self.recipe.weights
        for optimizer in self.optimizers.values():
            factor = rate_factor(step, self.steps, self.recipe.decay)
            optimizer.param_groups[0]["lr"] = factor * self.recipe.learning_rate
        with self._autocast():
            edited = self.edit(batch.request)
            with fixed(self.judges):
                terms = self.losses.generator(edited, batch)
        learn(self.optimizers["generator"], weighted_sum(terms, vars(weights)))
        if weights.adversarial:
            with self._autocast():
                judged = self.losses.discriminators(edited.images, batch)
            total = weights.adversarial * torch.stack([*judged.values()]).sum()
            if weights.r1 and step % self.recipe.r1_every == 0:
                judged["d_r1"] = self.losses.penalty(batch)
                total = total + weights.r1 * self.recipe.r1_every * judged["d_r1"]
            learn(self.optimizers["discriminators"], total)
            terms |= judged
        if "flow" in edited.parts:
            terms["flow_mean"] = edited.parts["flow"].detach().abs().mean()
        return {name: value.detach() for name, value in terms.items()}

    def _autocast(self) -> torch.autocast:
        enabled = self.device.type == "cuda"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)
