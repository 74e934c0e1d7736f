"""Presets of the networks and of their training.

``paper`` has the weights 5, 10 and 10, batch 16, Adam 2e-4 and N(0, 0.02) of the paper. It gives
neither the number of blocks nor the length; they are those of PATN, from which its blocks and its
decoder are taken, and a proposal. PATN's pool of earlier edits is left out.

``modern`` and ``tiny`` learn from few faces: the source is warped so that its landmarks move to
those of the target, a bounded residual is added, and the squared difference from another face of
the same sequence is the main loss.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from faceprep.generators.landmark_gan.recipe import Recipe, Weights


@dataclass(frozen=True)
class Preset:
    """Defaults of a preset: settings of the networks, and recipe."""

    networks: Mapping[str, Any]
    recipe: Recipe


PAPER = Recipe(
    weights=Weights(adversarial=5, perceptual=10, pixel=10),
    steps=100_000,
    decay=0.5,
    feature_layers=1,
)

MODERN = Recipe(
    weights=Weights(
        adversarial=0.1,
        squared=100,
        edges=100,
        perceptual=0.3,
        residual=0.1,
        residual_roughness=0.1,
        flow_roughness=0.1,
        r1=0.1,
    ),
    steps=30_000,
    learning_rate=5e-4,
    decay=0.3,
    share_own=0.125,
    share_sequence=0.75,
    focus=10,
    share_features=0.25,
    augment=True,
    even_classes=True,
    average=10_000,
)

TINY = replace(
    MODERN,
    weights=replace(MODERN.weights, adversarial=0, perceptual=0, r1=0),
    steps=600,
    learning_rate=2e-3,
    augment=False,
    average=1_000,
)

MODERN_NETWORKS: dict[str, Any] = {
    "size": 128,
    "width": 32,
    "blocks": 4,
    "dropout": 0.0,
    "norm": "group",
    "upsampling": "nearest",
    "label_input": "film",
    "skips": True,
    "output": "edit",
    "d_width": 32,
}
TINY_NETWORKS: dict[str, Any] = {
    **MODERN_NETWORKS,
    "size": 64,
    "heatmaps": "single",
    "width": 16,
    "blocks": 2,
    "d_width": 8,
}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "paper": Preset({"size": 128}, PAPER),
        "modern": Preset(MODERN_NETWORKS, MODERN),
        "tiny": Preset(TINY_NETWORKS, TINY),
    }
)
