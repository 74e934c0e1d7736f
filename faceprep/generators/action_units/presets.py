"""Presets of the losses and of the networks that kinds share.

``PAPER`` has the losses and weights of GANimation's official code: Wasserstein critic with a
gradient penalty, five critic steps for one of the generator, the labels of edits by the critic's
own head. Differences of that code from its paper: the weight of the labels (4000 · mean / batch
size) is given here as 160 · mean, independent of the batch; the penalty of the mask punishes
copying, though the paper describes the opposite.

``MODERN`` and ``TINY`` learn from few faces: other faces of the same person as known results, a
frozen map from face features to the labels, a projected discriminator, a residual as colour.
"""

from dataclasses import replace
from typing import Any

from faceprep.generators.action_units.recipe import Recipe, Weights

PAPER = Recipe(
    weights=Weights(
        adversarial=1,
        wgan_penalty=10,
        label_critic=160,
        label_real=160,
        cycle=10,
        mask=0.1,
        mask_roughness=2.5e-4,
    ),
    epochs=30,
    batch=25,
    adversarial="wasserstein",
    critic_steps=5,
    learning_rate=1e-4,
    decay=1 / 3,
    noise=0.1,
)

MODERN = Recipe(
    weights=Weights(
        adversarial=0.1,
        adversarial_projected=0.2,
        label_frozen=200,
        label_projected=2,
        label_critic=2,
        label_real=10,
        r1=0.1,
        cycle=4,
        known=300,
        known_features=0.3,
        embedding=5,
        mask=10,
        painted=0.1,
        painted_roughness=0.1,
        painted_colour=0.1,
    ),
    steps=30_000,
    batch=16,
    adversarial="non_saturating",
    learning_rate=5e-4,
    share_own=0.125,
    share_pair=0.375,
    share_single=0.25,
    partial=True,
    share_cycle=0.5,
    mask_penalty="band",
    vary=True,
    augment=True,
    even_classes=True,
    average=10_000,
)

#: Mostly known results: one step in `features_every` judges other edits, by the frozen map alone.
TINY = replace(
    MODERN,
    steps=2000,
    batch=8,
    learning_rate=1e-3,
    decay=0.5,
    average=1000,
    vary=False,
    features_every=4,
    share_pair=0.25,
    share_single=0.375,
    weights=Weights(known=1000, label_frozen=30, mask=1, painted_roughness=0.02),
)

#: Settings of the networks.
MODERN_NETWORKS: dict[str, Any] = {
    "size": 128,
    "condition": "both",
    "upsampling": "nearest",
    "colour": "residual",
    "condition_gain": 20.0,
    "mask_start": 3.0,
    "modulation_start": 0.1,
    "residual_gain": 0.3,
    "skips": True,
    "width": 32,
    "d_width": 32,
}
TINY_NETWORKS: dict[str, Any] = {
    **MODERN_NETWORKS,
    "size": 64,
    "width": 16,
    "blocks": 4,
    "d_width": 8,
}
