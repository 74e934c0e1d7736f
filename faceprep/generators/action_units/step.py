"""One training step: images, then the discriminators, then the generator."""

from itertools import chain

import torch
from torch import Tensor
from torch.optim import Adam

from faceprep.generators.action_units.batch import Batch
from faceprep.generators.action_units.discriminator_losses import DiscriminatorLosses
from faceprep.generators.action_units.forward import EditImages, feature_maps, make_images
from faceprep.generators.action_units.generator_losses import GeneratorLosses
from faceprep.generators.action_units.model import ActionUnitNetwork
from faceprep.generators.action_units.recipe import Recipe
from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.blocks.optimisation import fixed, learn, rate_factor, weighted_sum


class ActionUnitStep:
    """Update the networks.

    `model`, `recipe`, `steps`: networks, settings, and number of steps of the training.
    `phi`, `trusted`: face features with the frozen map, and weights of the labels.
    `compiled`: compile the networks that edit, but not the critic: penalties differentiate twice.
    """

    def __init__(
        self,
        model: ActionUnitNetwork,
        recipe: Recipe,
        steps: int,
        phi: FrozenFeatures | None = None,
        trusted: Tensor | None = None,
        compiled: bool = False,
    ) -> None:
        self.model, self.recipe, self.steps, self.phi = model, recipe, steps, phi
        self.factors = recipe.factors()
        self.device = next(model.parameters()).device
        edit: EditImages = model.edit_parts
        self.edit = torch.compile(edit, dynamic=False) if compiled else edit
        self.discriminator_losses = DiscriminatorLosses(model, recipe, phi)
        self.generator_losses = GeneratorLosses(model, recipe, phi, trusted)
        rate, betas = recipe.learning_rate, recipe.betas
        made = chain(*(getattr(model, name).parameters() for name in model.generators))
        self.generator_optimizer = Adam(made, lr=rate, betas=betas)
        critic = list(model.critic.parameters())
        projected = list(model.d_projected.parameters()) if model.d_projected is not None else []
        groups = [{"params": critic, "lr": rate}]
        if projected:
            groups.append({"params": projected, "lr": recipe.learning_rate_projected})
        self.discriminator_optimizer = Adam(groups, lr=rate, betas=betas)
        self.judges = [*critic, *projected]

    @property
    def optimizers(self) -> dict[str, Adam]:
        """Optimizers by their names in the checkpoint."""
        return {
            "generator": self.generator_optimizer,
            "discriminators": self.discriminator_optimizer,
        }

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Train on one batch; return unweighted losses and health numbers, scalars."""
        recipe = self.recipe
        self._set_rates(step)
        turn = step % recipe.critic_steps == recipe.critic_steps - 1
        paint = step >= recipe.only_deform * self.steps
        with self._autocast():
            images = make_images(self.edit, batch, recipe, paint, turn)
            phi = self.phi if recipe.reads_features(step) else None
            maps = feature_maps(images, batch, recipe, phi)
            terms, health = self.discriminator_losses(images, batch, maps)
        terms |= self.discriminator_losses.penalties(images, batch, step)
        if terms:
            total = weighted_sum(terms, self.discriminator_losses.weights)
            learn(self.discriminator_optimizer, total)
        if turn:
            with fixed(self.judges):
                with self._autocast():
                    own = self.generator_losses(images, batch, maps)
                learn(self.generator_optimizer, weighted_sum(own, self.factors))
            terms |= own
        return {name: value.detach() for name, value in {**terms, **health}.items()}

    def _set_rates(self, step: int) -> None:
        """Lower the learning rates linearly to 0 over the last share of the steps."""
        share = rate_factor(step, self.steps, self.recipe.decay)
        for optimizer in self.optimizers.values():
            optimizer.param_groups[0]["lr"] = share * self.recipe.learning_rate

    def _autocast(self) -> torch.autocast:
        enabled = self.device.type == "cuda"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)
