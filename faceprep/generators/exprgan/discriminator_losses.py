"""Losses of ExprGAN's discriminators: D_img with Q, D_z, the projected discriminator."""

import torch
from torch import Tensor

from faceprep.generators.blocks import losses
from faceprep.generators.blocks.frozen_features import FeatureMaps, FrozenFeatures
from faceprep.generators.exprgan.batch import Batch
from faceprep.generators.exprgan.forward import (
    Images,
    augmented_for_image,
    projects,
)
from faceprep.generators.exprgan.model import ExprGAN
from faceprep.generators.exprgan.phase import PhaseRecipe
from faceprep.training.health import code_spread


class DiscriminatorLosses:
    """Losses of the discriminators in a phase; names begin with ``d_``."""

    def __init__(self, model: ExprGAN, phase: PhaseRecipe, phi: FrozenFeatures | None) -> None:
        self.model, self.phase, self.phi = model, phase, phi

    @property
    def weights(self) -> dict[str, float]:
        """Configured weights of losses; all others have weight 1."""
        weights = self.phase.weights
        return {
            "d_wrong_label": weights.wrong_label,
            "d_q": weights.q_discriminator,
            "d_r1": weights.r1 * self.phase.r1_every,
        }

    def __call__(
        self, images: Images, batch: Batch, maps: FeatureMaps
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the losses of the discriminators without R1, and health numbers."""
        model, phase = self.model, self.phase
        terms: dict[str, Tensor] = {}
        real_x = augmented_for_image(batch.x, batch, self.phase)
        real = model.d_image(real_x, batch.y)
        fake = model.d_image(
            augmented_for_image(images.fake.detach(), batch, self.phase), images.label
        )
        terms["d_q"] = losses.q_loss(fake.code, images.code, batch.y.shape[1])
        health = {"d_gap": real.logit.float().mean() - fake.logit.float().mean()}
        if phase.discriminate:
            terms["d_image"] = self._real(real.logit) + self._fake(fake.logit)
            if phase.weights.wrong_label:
                terms["d_wrong_label"] = self._fake(model.d_image(real_x, batch.other).logit)
            if images.new is not None and phase.weights.adversarial_new:
                new = model.d_image(
                    augmented_for_image(images.new.detach(), batch, self.phase), images.label
                )
                terms["d_new"] = self._fake(new.logit)
        if real.classes is not None and phase.weights.class_image:
            terms["d_class"] = losses.class_loss(real.classes, batch.y)
        if "d_latent" in phase.judges and images.identity is not None:
            prior, taken = model.d_latent(batch.prior), model.d_latent(images.identity.detach())
            terms["d_latent"] = losses.real_loss(prior) + losses.fake_loss(taken)
        if self.phi is not None and projects(model, phase, self.phi):
            self._projected(self.phi, images, batch, maps, terms, health)
        if images.identity is not None:
            health["code_spread"] = code_spread(images.identity).mean()
        if images.parts is not None:
            health["flow"] = images.parts.flow.detach().flatten(1).abs().amax(1).mean()
            health["residual_mean"] = images.parts.residual.detach().abs().mean()
        return terms, health

    def _projected(
        self,
        phi: FrozenFeatures,
        images: Images,
        batch: Batch,
        maps: FeatureMaps,
        terms: dict[str, Tensor],
        health: dict[str, Tensor],
    ) -> None:
        discriminator, weights = self.model.d_projected, self.phase.weights
        assert discriminator is not None

        def levels(who: str) -> list[Tensor]:
            return [maps[who][layer].detach() for layer in phi.projected]

        known = levels("real")
        real = discriminator(known, batch.y)
        fake = discriminator(levels("fake"), images.label)
        terms["d_projected"] = self._real(real.logits) + self._fake(fake.logits)
        if weights.wrong_label:
            wrong = self._fake(discriminator(known, batch.other).logits)
            terms["d_wrong_label"] = terms.get("d_wrong_label", wrong.new_zeros(())) + wrong
        if "new" in maps and weights.adversarial_new:
            new = discriminator(levels("new"), images.label)
            terms["d_new"] = terms.get("d_new", 0) + self._fake(new.logits)
        if weights.class_projected:
            terms["d_class_projected"] = losses.class_loss(real.classes, batch.y)
        means = [
            torch.stack([level.float().mean() for level in each.logits]) for each in (real, fake)
        ]
        health["d_gap_projected"] = (means[0] - means[1]).mean().detach()

    def _real(self, logits: losses.Logits) -> Tensor:
        return losses.real_loss(logits, self.phase.adversarial)

    def _fake(self, logits: losses.Logits) -> Tensor:
        return losses.fake_loss(logits, self.phase.adversarial)

    def r1(self, batch: Batch) -> Tensor:
        """Return R1 of D_img in float32, at the unaugmented images."""
        x = batch.x.detach().requires_grad_()
        return losses.r1_penalty(
            self.model.d_image(augmented_for_image(x, batch, self.phase), batch.y).logit, x
        )
