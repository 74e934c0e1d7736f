"""Losses of the critic and of the projected discriminator."""

import torch
from torch import Tensor

from faceprep.generators.action_units.batch import Batch
from faceprep.generators.action_units.forward import Images
from faceprep.generators.action_units.model import ActionUnitNetwork
from faceprep.generators.action_units.recipe import Recipe
from faceprep.generators.blocks import losses
from faceprep.generators.blocks.frozen_features import FeatureMaps, FrozenFeatures


class DiscriminatorLosses:
    """Losses of a step; names begin with ``d_``."""

    def __init__(
        self, model: ActionUnitNetwork, recipe: Recipe, phi: FrozenFeatures | None
    ) -> None:
        self.model, self.recipe, self.phi = model, recipe, phi

    @property
    def weights(self) -> dict[str, float]:
        """Configured weights of losses; all others have weight 1."""
        weights = self.recipe.weights
        return {
            "d_label": weights.label_real,
            "d_penalty": weights.wgan_penalty,
            "d_r1": weights.r1 * self.recipe.r1_every,
        }

    def __call__(
        self, images: Images, batch: Batch, maps: FeatureMaps
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the losses without penalties of gradients, and health numbers."""
        weights, recipe, fake_x = self.recipe.weights, self.recipe, images.edit.images.detach()
        terms: dict[str, Tensor] = {}
        health: dict[str, Tensor] = {}
        if weights.adversarial or weights.label_critic:
            real, fake = self.model.critic(batch.x), self.model.critic(fake_x)
            terms["d_critic"] = losses.real_loss(
                real.logits, recipe.adversarial
            ) + losses.fake_loss(fake.logits, recipe.adversarial)
            terms["d_label"] = losses.label_loss(real.labels, batch.own)
            health["d_gap"] = (real.logits.float().mean() - fake.logits.float().mean()).detach()
        if self.phi is not None and self.model.d_projected is not None and "fake" in maps:
            real_levels, fake_levels = (
                [maps[who][layer].detach() for layer in self.phi.projected]
                for who in ("real", "fake")
            )
            known = self.model.d_projected(real_levels, batch.own)
            made = self.model.d_projected(fake_levels, batch.wanted)
            terms["d_projected"] = losses.real_loss(known.logits, "hinge") + losses.fake_loss(
                made.logits, "hinge"
            )
            terms["d_label_projected"] = losses.label_loss(known.classes, batch.own)
            gaps = [
                real.float().mean() - fake.float().mean()
                for real, fake in zip(known.logits, made.logits, strict=True)
            ]
            health["d_gap_projected"] = torch.stack(gaps).mean().detach()
        for name in ("mask", "flow"):
            if name in images.edit.parts:
                health[f"{name}_mean"] = images.edit.parts[name].detach().float().abs().mean()
        return terms, health

    def penalties(self, images: Images, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return penalties of the critic's gradients, in float32."""
        weights = self.recipe.weights
        terms: dict[str, Tensor] = {}
        if weights.wgan_penalty:
            terms["d_penalty"] = losses.wgan_penalty(
                lambda x: self.model.critic(x).logits,
                batch.x,
                images.edit.images.detach(),
                batch.mix,
            )
        if weights.r1 and step % self.recipe.r1_every == 0:
            x = batch.x.detach().requires_grad_()
            terms["d_r1"] = losses.r1_penalty(self.model.critic(x).logits, x)
        return terms
