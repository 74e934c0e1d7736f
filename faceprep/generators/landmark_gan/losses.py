"""Losses of the generator and of its discriminators, named as in `recipe.Weights`."""

import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.core.landmarks import JAW
from faceprep.generators.base import Edited
from faceprep.generators.blocks import losses
from faceprep.generators.blocks.frozen_features import EMBEDDING, FrozenFeatures
from faceprep.generators.landmark_gan.batch import Batch
from faceprep.generators.landmark_gan.geometry import heatmaps
from faceprep.generators.landmark_gan.networks import LandmarkGAN
from faceprep.generators.landmark_gan.recipe import Recipe
from faceprep.training.diffaugment import augment

#: Number of sizes at which edges are compared.
_SCALES = 3

#: Reach of `Recipe.focus` around the landmarks, standard deviation in pixels at a size of 128.
_NEAR = 8.0


class LandmarkLosses:
    """Losses of a step; those of weight 0 are omitted."""

    def __init__(self, model: LandmarkGAN, recipe: Recipe, phi: FrozenFeatures | None) -> None:
        self.model, self.recipe, self.phi = model, recipe, phi

    def generator(self, edited: Edited, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of the generator."""
        weights, made, wanted = self.recipe.weights, edited.images, batch.result
        terms: dict[str, Tensor] = {}
        if weights.adversarial:
            answers = [judge(fake) for judge, _, fake in self._pairs(made, batch)]
            terms["adversarial"] = losses.generator_loss(answers, self.recipe.adversarial)
        if weights.pixel:
            terms["pixel"] = losses.pixel_loss(made, wanted)
        difference = (made.float() - wanted) * self._importance(batch).sqrt()
        if weights.squared:
            terms["squared"] = difference.square().mean()
        if weights.edges:
            terms["edges"] = edge_loss(difference)
        if self.phi is not None:
            terms |= self._on_features(self.phi, made, batch)
        if "residual" in edited.parts:
            residual, flow = edited.parts["residual"], edited.parts["flow"]
            terms["residual"] = losses.magnitude(residual)
            terms["residual_roughness"] = losses.roughness(residual)
            terms["flow_roughness"] = losses.roughness(flow * (2 / (self.model.size - 1)))
        return {name: value for name, value in terms.items() if getattr(weights, name)}

    def discriminators(self, made: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of both discriminators, each half of real and generated pairs."""
        kind, terms = self.recipe.adversarial, {}
        for name, (judge, real, fake) in zip(
            ("d_image", "d_geometry"), self._pairs(made.detach(), batch), strict=True
        ):
            if self.model.config.d_output_norm:  # its batch norm needs both in one batch
                known, generated = judge(torch.cat([real, fake])).chunk(2)
            else:
                known, generated = judge(real), judge(fake)
            loss = losses.real_loss(known, kind) + losses.fake_loss(generated, kind)
            terms[name] = 0.5 * loss
        return terms

    def penalty(self, batch: Batch) -> Tensor:
        """Return the R1 penalty of both discriminators on real pairs, in float32."""
        x = batch.result.detach().requires_grad_()
        answers = [judge(real) for judge, real, _ in self._pairs(batch.request.x, batch, x)]
        return losses.r1_penalty(answers, x)

    def _pairs(
        self, made: Tensor, batch: Batch, real: Tensor | None = None
    ) -> list[tuple[torch.nn.Module, Tensor, Tensor]]:
        """Return each discriminator with its real and its generated pairs.

        Both halves of a pair, and real and generated pairs, are augmented by the same numbers.
        """
        request, model = batch.request, self.model
        real = batch.result if real is None else real
        source, maps = request.x, model.generator.heatmaps(request.target)
        if batch.numbers is not None:
            numbers = batch.numbers
            source, real, made = (augment(one, numbers) for one in (source, real, made))
            maps = augment(maps, numbers, colour=False)
        return [
            (model.d_image, torch.cat([source, real], 1), torch.cat([source, made], 1)),
            (model.d_geometry, torch.cat([real, maps], 1), torch.cat([made, maps], 1)),
        ]

    def _importance(self, batch: Batch) -> Tensor:
        """Return the weights of the pixels, ``(B, 1, S, S)`` of mean 1 for every face."""
        inside = batch.request.target[:, len(JAW) :]
        near = heatmaps(inside, self.model.size, "single", _NEAR)
        weights = 1 + (self.recipe.focus - 1) * near
        return weights / weights.mean((2, 3), keepdim=True)

    def _on_features(self, phi: FrozenFeatures, made: Tensor, batch: Batch) -> dict[str, Tensor]:
        weights, count = self.recipe.weights, self.recipe.compared(len(made))
        compared = phi.compared[: self.recipe.feature_layers or None] if weights.perceptual else ()
        more = (EMBEDDING,) if weights.embedding else ()
        fake = phi.maps(made[:count], (*compared, *more))
        terms: dict[str, Tensor] = {}
        with torch.no_grad():
            result = phi.maps(batch.result[:count], compared) if compared else {}
            source = phi.maps(batch.request.x[:count], more) if more else {}
        if compared:
            pair = [[maps[name] for name in compared] for maps in (fake, result)]
            norm: losses.FeatureNorm = "mean" if len(compared) == 1 else "relative"
            terms["perceptual"] = losses.identity_loss(pair[0], pair[1], norm)
        if more:
            terms["embedding"] = losses.embedding_loss(
                fake[EMBEDDING], source[EMBEDDING], weights.embedding_margin
            )
        return terms


def edge_loss(difference: Tensor) -> Tensor:
    """Return the mean squared gradient of a difference of images, summed over three sizes."""
    total = difference.new_zeros(())
    for _ in range(_SCALES):
        rows = difference[:, :, 1:] - difference[:, :, :-1]
        columns = difference[..., 1:] - difference[..., :-1]
        total = total + rows.square().mean() + columns.square().mean()
        difference = F.avg_pool2d(difference, 2)
    return total
