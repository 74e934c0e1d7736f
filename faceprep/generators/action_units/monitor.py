"""Inspect a generator driven by Action Units between two steps, and draw samples."""

import torch
from torch import Tensor

from faceprep.generators.action_units.batch import labels_of_crops
from faceprep.generators.action_units.model import ActionUnitNetwork
from faceprep.generators.action_units.recipe import Recipe
from faceprep.generators.base import Edited
from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.blocks.warp import folded_share
from faceprep.training import health
from faceprep.training.crops import Crops
from faceprep.training.trainer import Inspection, Samples, SampleTable

#: Panel of ``losses.png`` → columns of the history.
PANELS = {
    "edits with a known result": ("known", "known_features", "cycle"),
    "labels of edits": (
        "label_frozen",
        "label_critic",
        "label_projected",
        "label_deformed",
    ),
    "generator against discriminators": ("adversarial", "adversarial_projected"),
    "discriminators": ("d_critic", "d_projected", "d_label", "d_label_projected", "d_penalty"),
    "identity": ("embedding", "cosine_deformed"),
    "painting": ("mask", "painted", "painted_roughness", "mask_mean"),
    "deformation": ("known_deformed", "flow", "flow_roughness", "flow_cycle", "flow_mean"),
    "unseen people": ("val_labels", "val_labels_copy"),
    "health": ("d_gap", "d_gap_projected"),
}

#: Number of inspected faces.
_FACES = 32

#: Labels whose sweeps are drawn, if they drive the networks, and their values.
_SWEPT = ("AU12", "AU04", "AU26")
_LEVELS = (0.0, 0.5, 1.0)

#: Number of faces in the sheet of samples.
_SHOWN = 6


@torch.no_grad()
def inspect(
    model: ActionUnitNetwork,
    recipe: Recipe,
    crops: Crops,
    unseen: Crops | None,
    phi: FrozenFeatures | None,
) -> Inspection:
    """Detect known failures of a generator in eval mode.

    `crops`, `unseen`: training faces, and faces of the split ``val`` or None.
    """
    x, own, wanted = _requests(model, crops)
    edited = model.edit_parts(x, own, wanted)
    findings = [health.unchanged_edits(edited.images, x)]
    if "mask" in edited.parts:
        findings.append(health.closed_mask(edited.parts["mask"]))
    if "flow" in edited.parts:
        findings.append(health.folded_flow(folded_share(edited.parts["flow"])))
    if recipe.adversarial != "wasserstein" and recipe.weights.adversarial:
        real, fake = model.critic(x).logits, model.critic(edited.images).logits
        findings.append(health.one_sided_discriminator(real, fake))
    numbers: dict[str, float] = {}
    if unseen is not None and len(unseen) and phi is not None and phi.head is not None:
        numbers = _unseen(model, unseen, phi)
    return Inspection(health.found(findings), numbers)


def _requests(model: ActionUnitNetwork, crops: Crops) -> tuple[Tensor, Tensor, Tensor]:
    """Return evenly spaced faces, their labels, and as requests those of faces far from them."""
    chosen = crops.spaced(_FACES)
    own = labels_of_crops(crops, model.config)[chosen]
    return crops.batch(chosen), own, own.roll(len(own) // 2, dims=0)


def _unseen(model: ActionUnitNetwork, crops: Crops, phi: FrozenFeatures) -> dict[str, float]:
    """Return the mean absolute error of the labels read from edits and from unedited faces."""
    assert phi.head is not None
    x, own, wanted = _requests(model, crops)
    numbers = {}
    edited = model.edit_parts(x, own, wanted).images
    for name, images in (("val_labels", edited), ("val_labels_copy", x)):
        read = phi.head(phi.maps(images, phi.head.layers))
        numbers[name] = float((read - wanted).abs().mean())
    return numbers


@torch.no_grad()
def samples(model: ActionUnitNetwork, crops: Crops) -> Samples:
    """Edit fixed training faces.

    The first table shows source, an edit to the face's own labels, the mean labels of every
    expression, and parts of the last edit; the second table shows sweeps of single labels.
    """
    chosen = crops.examples(_SHOWN)
    x, labels = crops.batch(chosen), labels_of_crops(crops, model.config)
    own = labels[chosen]
    edited = model.edit_parts(x, own, own)
    columns, titles = [x, edited.images], ["source", "own labels"]
    for k, name in enumerate(crops.classes):
        mean = labels[crops.labels == k].mean(0, keepdim=True).expand(len(x), -1)
        edited = model.edit_parts(x, own, mean)
        columns.append(edited.images)
        titles.append(name)
    for name, part in _drawn(edited).items():
        columns.append(part)
        titles.append(name)
    tables = [SampleTable(columns, titles), *_sweeps(model, x, own)]
    return Samples("training faces; below, single labels", tables)


def _drawn(edited: Edited) -> dict[str, Tensor]:
    """Return the parts of edits that are images, or can be drawn as gray images."""
    parts = edited.parts
    shown = {}
    if "deformed" in parts:
        shown["deformed"] = parts["deformed"]
    if "mask" in parts:
        shown["mask"] = parts["mask"].expand(-1, 3, -1, -1) * 2 - 1
    return shown


def _sweeps(model: ActionUnitNetwork, x: Tensor, own: Tensor) -> list[SampleTable]:
    columns, titles = [x], ["source"]
    for name in _SWEPT:
        if name not in model.config.labels:
            continue
        for level in _LEVELS:
            wanted = own.clone()
            wanted[:, model.config.labels.index(name)] = level
            columns.append(model.edit_parts(x, own, wanted).images)
            titles.append(f"{name} {5 * level:g}")
    return [SampleTable(columns, titles)] if len(columns) > 1 else []
