"""Losses of ExprGAN's judges: D_img with Q, D_z, the projected discriminator."""

import torch
from torch import Tensor

from faceprep.generators.blocks import losses
from faceprep.generators.exprgan.batch import Batch
from faceprep.generators.exprgan.forward import Made, Phi, Seen, projects, seen_by_image
from faceprep.generators.exprgan.model import ExprGAN
from faceprep.generators.exprgan.schedule import Stage
from faceprep.training.health import code_spread


class JudgeLosses:
    """Losses of a stage, by names that begin with ``d_``."""

    def __init__(self, model: ExprGAN, stage: Stage, phi: Phi | None) -> None:
        self.model, self.stage, self.phi = model, stage, phi

    @property
    def weights(self) -> dict[str, float]:
        """Of the losses that have one; the others count as they are."""
        weights = self.stage.weights
        return {
            "d_wrong_label": weights.wrong_label,
            "d_q": weights.q_discriminator,
            "d_r1": weights.r1 * self.stage.r1_every,
        }

    def __call__(
        self, made: Made, batch: Batch, seen: Seen
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Losses of the judges without R1, and how the training is."""
        model, stage = self.model, self.stage
        terms: dict[str, Tensor] = {}
        real_x = seen_by_image(batch.x, batch, self.stage)
        real = model.d_image(real_x, batch.y)
        fake = model.d_image(seen_by_image(made.judged.detach(), batch, self.stage), made.label)
        terms["d_q"] = losses.q_loss(fake.code, made.code, batch.y.shape[1])
        health = {"d_gap": real.logit.float().mean() - fake.logit.float().mean()}
        if stage.discriminate:
            terms["d_image"] = self._real(real.logit) + self._fake(fake.logit)
            if stage.weights.wrong_label:
                terms["d_wrong_label"] = self._fake(model.d_image(real_x, batch.other).logit)
            if made.new is not None and stage.weights.adversarial_new:
                new = model.d_image(seen_by_image(made.new.detach(), batch, self.stage), made.label)
                terms["d_new"] = self._fake(new.logit)
        if real.classes is not None and stage.weights.class_image:
            terms["d_class"] = losses.class_loss(real.classes, batch.y)
        if "d_latent" in stage.judges and made.g is not None:
            prior, taken = model.d_latent(batch.prior), model.d_latent(made.g.detach())
            terms["d_latent"] = losses.real_loss(prior) + losses.fake_loss(taken)
        if self.phi is not None and projects(model, stage, self.phi):
            self._projected(self.phi, made, batch, seen, terms, health)
        if made.g is not None:
            health["code_spread"] = code_spread(made.g).mean()
        if made.parts is not None:
            health["flow"] = made.parts.flow.detach().flatten(1).abs().amax(1).mean()
            health["residual_mean"] = made.parts.residual.detach().abs().mean()
        return terms, health

    def _projected(
        self,
        phi: Phi,
        made: Made,
        batch: Batch,
        seen: Seen,
        terms: dict[str, Tensor],
        health: dict[str, Tensor],
    ) -> None:
        judge, weights = self.model.d_projected, self.stage.weights
        assert judge is not None

        def maps(who: str) -> list[Tensor]:
            return [seen[who][layer].detach() for layer in phi.projected]

        known = maps("real")
        real = judge(known, batch.y)
        fake = judge(maps("fake"), made.label)
        terms["d_projected"] = self._real(real.logits) + self._fake(fake.logits)
        if weights.wrong_label:
            wrong = self._fake(judge(known, batch.other).logits)
            terms["d_wrong_label"] = terms.get("d_wrong_label", wrong.new_zeros(())) + wrong
        if "new" in seen and weights.adversarial_new:
            new = judge(maps("new"), made.label)
            terms["d_new"] = terms.get("d_new", 0) + self._fake(new.logits)
        if weights.class_projected:
            terms["d_class_projected"] = losses.class_loss(real.classes, batch.y)
        means = [torch.stack([level.float().mean() for level in j.logits]) for j in (real, fake)]
        health["d_gap_projected"] = (means[0] - means[1]).mean().detach()

    def _real(self, logits: losses.Logits) -> Tensor:
        return losses.real_loss(logits, self.stage.adversarial)

    def _fake(self, logits: losses.Logits) -> Tensor:
        return losses.fake_loss(logits, self.stage.adversarial)

    def r1(self, batch: Batch) -> Tensor:
        """R1 of D_img, in float32 and without augmentation of its gradient's point."""
        x = batch.x.detach().requires_grad_()
        return losses.r1_penalty(
            self.model.d_image(seen_by_image(x, batch, self.stage), batch.y).logit, x
        )
