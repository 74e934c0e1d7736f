"""Inspect a generator guided by landmarks between two steps, and draw samples."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.generators.blocks.warp import folded_share
from faceprep.generators.landmark_gan.batch import pair_request
from faceprep.generators.landmark_gan.networks import LandmarkGAN
from faceprep.generators.landmark_gan.recipe import Recipe
from faceprep.training import health
from faceprep.training.crops import Crops, ExpressionPairs, SamePersonPairs
from faceprep.training.trainer import Inspection, Samples, SampleTable

#: Panel of ``losses.png`` → columns of the history.
PANELS = {
    "difference from the true target": ("pixel", "squared", "edges", "perceptual"),
    "generator against discriminators": ("adversarial",),
    "discriminators": ("d_image", "d_geometry", "d_r1"),
    "identity": ("embedding",),
    "residual and flow": ("residual", "residual_roughness", "flow_mean"),
    "squared difference of unseen people": ("val_squared", "val_squared_copy"),
}

#: Number of inspected faces, and of faces in the sheet of samples.
_FACES, _SHOWN = 32, 6


@torch.no_grad()
def inspect(model: LandmarkGAN, recipe: Recipe, crops: Crops, unseen: Crops | None) -> Inspection:
    """Detect known failures of a generator in eval mode.

    `crops`, `unseen`: training faces, and faces of the split ``val`` or None.
    """
    sources, targets = pairs(crops, _FACES)
    request = pair_request(crops, sources, targets)
    edited = model.generator(request)
    findings = [health.unchanged_edits(edited.images, request.x)]
    if "flow" in edited.parts:
        findings.append(health.folded_flow(folded_share(edited.parts["flow"])))
    if recipe.weights.adversarial:
        real = torch.cat([request.x, crops.batch(targets)], dim=1)
        fake = torch.cat([request.x, edited.images], dim=1)
        findings.append(health.one_sided_discriminator(model.d_image(real), model.d_image(fake)))
    numbers: dict[str, float] = {}
    if unseen is not None and len(unseen):
        sources, targets = pairs(unseen, _FACES)
        request, wanted = pair_request(unseen, sources, targets), unseen.batch(targets)
        numbers = {
            "val_squared": float(F.mse_loss(model.generator(request).images.float(), wanted)),
            "val_squared_copy": float(F.mse_loss(request.x, wanted)),
        }
    return Inspection(health.found(findings), numbers)


def pairs(crops: Crops, count: int) -> tuple[Tensor, Tensor]:
    """Return indices of up to `count` evenly spaced faces and of targets of the same person.

    A target shows another expression of the same sequence if there is one, else the next
    expression of the person, else the face itself.
    """
    classes, chosen = len(crops.classes), crops.spaced(count)
    random = np.random.default_rng(0)
    found = ExpressionPairs(crops)
    other, _ = found.people.take(chosen, (found.labels[chosen] + 1) % classes, random)
    near, same = found.in_sequence(chosen, random)
    return chosen, torch.where(same, near, other)


@torch.no_grad()
def samples(model: LandmarkGAN, crops: Crops) -> Samples:
    """Edit fixed training faces.

    The first table shows source, parts of the edit, edit and true target; the second, the faces
    with the landmarks of the same person's other expressions.
    """
    sources, targets = pairs(crops, _SHOWN)
    request = pair_request(crops, sources, targets)
    edited = model.generator(request)
    columns, titles = [request.x], ["source"]
    for name in ("warped", "residual"):
        if name in edited.parts:
            columns.append(edited.parts[name])
            titles.append(name)
    known = SampleTable(
        [*columns, edited.images, crops.batch(targets)], [*titles, "edit", "true target"]
    )
    random = np.random.default_rng(0)
    people = SamePersonPairs(crops.subjects, crops.labels, len(crops.classes))
    columns, titles = [request.x], ["source"]
    for k, name in enumerate(crops.classes):
        found, _ = people.take(sources, torch.full_like(sources, k), random)
        columns.append(model.generator(pair_request(crops, sources, found)).images)
        titles.append(name)
    return Samples(
        "training faces; below, other expressions", [known, SampleTable(columns, titles)]
    )
