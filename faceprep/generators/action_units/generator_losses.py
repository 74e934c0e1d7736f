"""Losses of the networks that generate images, named as in `recipe.Weights`."""

import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.generators.action_units.batch import Batch
from faceprep.generators.action_units.forward import Images
from faceprep.generators.action_units.model import ActionUnitNetwork
from faceprep.generators.action_units.recipe import MaskPenalty, Recipe
from faceprep.generators.blocks import losses
from faceprep.generators.blocks.frozen_features import EMBEDDING, FeatureMaps, FrozenFeatures
from faceprep.generators.blocks.warp import composed_flow

#: Middle and half width of the band of the mean mask without a penalty.
_BAND = (0.3, 0.2)


class GeneratorLosses:
    """Losses of a step; those of weight 0 are omitted.

    `trusted`: weights of the labels in losses of the frozen map, ``(L,)``; 1 each if None.
    """

    def __init__(
        self,
        model: ActionUnitNetwork,
        recipe: Recipe,
        phi: FrozenFeatures | None,
        trusted: Tensor | None,
    ) -> None:
        self.model, self.recipe, self.phi, self.trusted = model, recipe, phi, trusted

    def __call__(self, images: Images, batch: Batch, maps: FeatureMaps) -> dict[str, Tensor]:
        """Return the losses by name."""
        weights, edited = self.recipe.weights, images.edit
        terms: dict[str, Tensor] = {}
        if weights.adversarial or weights.label_critic:
            answer = self.model.critic(edited.images)
            terms["adversarial"] = losses.generator_loss(answer.logits, self.recipe.adversarial)
            terms["label_critic"] = losses.label_loss(answer.labels, batch.wanted)
        if weights.known:
            terms["known"] = _known(edited.images, batch)
        if weights.cycle and images.back is not None:
            n = len(images.back.images)
            terms["cycle"] = losses.pixel_loss(images.back.images, batch.x[:n])
        terms |= self._painted(images)
        terms |= self._deformed(images, batch)
        if self.phi is not None and "fake" in maps:
            terms |= self._on_features(self.phi, batch, maps)
        return {name: value for name, value in terms.items() if getattr(weights, name)}

    def _painted(self, images: Images) -> dict[str, Tensor]:
        passes = [one.parts for one in images.passes if "mask" in one.parts]
        if not passes:
            return {}
        penalties = [mask_penalty(parts["mask"], self.recipe.mask_penalty) for parts in passes]
        painted = torch.cat([parts["painted"] for parts in passes])
        return {
            "mask": torch.stack(penalties).sum(),
            "mask_roughness": torch.stack([_sum_of_steps(one["mask"]) for one in passes]).sum(),
            "painted": losses.magnitude(painted),
            "painted_roughness": losses.roughness(painted),
            "painted_colour": losses.magnitude(painted - painted.mean(1, keepdim=True)),
        }

    def _deformed(self, images: Images, batch: Batch) -> dict[str, Tensor]:
        if "flow" not in images.edit.parts:
            return {}
        pixel = 2 / (self.model.size - 1)
        flow = images.edit.parts["flow"] * pixel
        terms = {"flow": losses.magnitude(flow), "flow_roughness": losses.roughness(flow)}
        if self.recipe.weights.known_deformed:
            terms["known_deformed"] = _known(images.edit.parts["deformed"], batch)
        if images.back is not None:
            back = images.back.parts["flow"] * pixel
            terms["flow_cycle"] = losses.magnitude(composed_flow(flow[: len(back)], back))
        return terms

    def _on_features(
        self, phi: FrozenFeatures, batch: Batch, maps: FeatureMaps
    ) -> dict[str, Tensor]:
        weights = self.recipe.weights
        terms: dict[str, Tensor] = {}
        for name, who in (("label_frozen", "fake"), ("label_deformed", "deformed")):
            if phi.head is not None and who in maps:
                read = phi.head(maps[who])
                terms[name] = losses.label_loss(read, batch.wanted, self.trusted)
        if "result" in maps:
            n = batch.compared
            made, wanted = (
                [maps[who][name][:n] for name in phi.compared] for who in ("fake", "result")
            )
            terms["known_features"] = losses.identity_loss(
                made, wanted, "relative", faces=batch.known[:n]
            )
        identity = EMBEDDING in maps["real"]
        if identity:
            terms["embedding"] = losses.embedding_loss(
                maps["fake"][EMBEDDING], maps["real"][EMBEDDING], weights.embedding_margin
            )
        if identity and "deformed" in maps:
            terms["cosine_deformed"] = losses.cosine_loss(
                maps["deformed"][EMBEDDING], maps["real"][EMBEDDING]
            )
        if self.model.d_projected is not None and phi.projected:
            levels = [maps["fake"][layer] for layer in phi.projected]
            answer = self.model.d_projected(levels, batch.wanted)
            terms["adversarial_projected"] = losses.generator_loss(answer.logits, "hinge")
            terms["label_projected"] = losses.label_loss(answer.classes, batch.wanted)
        return terms


def _known(made: Tensor, batch: Batch) -> Tensor:
    """Return the mean square of the difference from the known results."""
    each = (made.float() - batch.result).square().mean((1, 2, 3))
    return (each * batch.known).mean()


def mask_penalty(mask: Tensor, kind: MaskPenalty) -> Tensor:
    """Return the penalty of a mask ``(B, 1, S, S)`` in [0, 1], see `Recipe.mask_penalty`."""
    mean = mask.float().mean((1, 2, 3))
    if kind == "copy":
        return (1 - mean).mean()
    if kind == "edit":
        return mean.mean()
    middle, width = _BAND
    return F.relu((mean - middle).abs() - width).mean()


def _sum_of_steps(mask: Tensor) -> Tensor:
    """Return the summed absolute differences of neighbours per image (official code)."""
    mask = mask.float()
    rows = (mask[:, :, 1:] - mask[:, :, :-1]).abs().sum()
    columns = (mask[..., 1:] - mask[..., :-1]).abs().sum()
    return (rows + columns) / len(mask)
