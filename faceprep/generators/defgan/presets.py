"""Presets of DefGAN.

The paper's formulas and weights are lost in its only copy. ``paper`` has its facts (two networks,
ten critic steps for one of the generator, batch 25, 40 epochs of which the last 20 lower the
learning rate, displacements of at most 5 pixels) and for all weights proposals, derived from
GANimation's and from deforming autoencoders.

``modern`` and ``tiny`` differ from those of AdaIN-GANimation in the deformation only. Their grid is
``residual``: the bound on the displacements then needs no second function, and its smoothing
replaces a loss.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from faceprep.generators.action_units import presets as shared
from faceprep.generators.action_units.recipe import Recipe
from faceprep.generators.action_units.setup import Preset

PAPER = Recipe(
    weights=replace(
        shared.PAPER.weights,
        label_deformed=40,
        cosine_deformed=1,
        flow=0.5,
        flow_roughness=1.6,
        flow_cycle=10,
    ),
    epochs=40,
    batch=25,
    adversarial="wasserstein",
    critic_steps=10,
    learning_rate=1e-4,
    decay=0.5,
    noise=0.1,
    mask_penalty="edit",
    only_deform=0.06,
)


def _deforming(recipe: Recipe, **weights_on_features: float) -> Recipe:
    """Add the losses of the deformation to a recipe of AdaIN-GANimation."""
    weights = replace(
        recipe.weights,
        known_deformed=recipe.weights.known / 3,
        flow=0.1,
        flow_roughness=0.3,
        flow_cycle=1 if recipe.weights.cycle else 0,
        **weights_on_features,
    )
    return replace(recipe, weights=weights, only_deform=0.1)


_MODERN_NETWORKS = {**shared.MODERN_NETWORKS, "grid": "residual"}
_TINY_NETWORKS = {**shared.TINY_NETWORKS, "grid": "residual"}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "paper": Preset({"size": 128, "condition": "both"}, PAPER),
        "modern": Preset(
            _MODERN_NETWORKS,
            _deforming(shared.MODERN, label_deformed=50, cosine_deformed=0.5),
            projects=True,
        ),
        "tiny": Preset(_TINY_NETWORKS, _deforming(shared.TINY), projects=True),
    }
)
