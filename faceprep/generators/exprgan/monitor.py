"""Inspect an ExprGAN between two steps, on training and unseen faces, and draw samples."""

from collections.abc import Mapping

import torch
from torch import Tensor

from faceprep.generators.blocks import losses
from faceprep.generators.blocks.frozen_features import EMBEDDING, FrozenFeatures
from faceprep.generators.exprgan import codes
from faceprep.generators.exprgan.model import ExprGAN
from faceprep.generators.exprgan.phase import PhaseRecipe
from faceprep.training import health
from faceprep.training.crops import Crops
from faceprep.training.health import Finding
from faceprep.training.trainer import Inspection, Samples, SampleTable

#: Panel of ``losses.png`` → columns of the history.
PANELS = {
    "faces as they are": ("pixel", "pixel_bottleneck", "identity", "embedding", "tv"),
    "edits": ("class_frozen", "class_image", "class_projected", "embedding_edit", "image_cycle"),
    "generator against discriminators": (
        "adversarial",
        "adversarial_projected",
        "adversarial_latent",
        "adversarial_new",
    ),
    "Q": ("q", "d_q"),
    "discriminators": ("d_image", "d_projected", "d_latent", "d_class", "d_class_projected"),
    "unseen people": ("val_pixel", "val_class_frozen"),
    "health": ("d_gap", "d_gap_projected", "code_spread", "flow", "residual_mean"),
}

#: Number of inspected faces.
_FACES = 32


@torch.no_grad()
def inspect(
    model: ExprGAN,
    phase: PhaseRecipe,
    crops: Crops,
    unseen: Crops | None,
    phi: FrozenFeatures | None,
    recent: Mapping[str, float],
) -> Inspection:
    """Detect known failures of a generator in eval mode.

    Parameters
    ----------
    crops, unseen
        Training faces, and faces of the split ``val`` or None.
    recent
        Column → mean of the history over the last steps.
    """
    chosen = crops.spaced(_FACES)
    x, y = crops.batch(chosen), crops.one_hot(chosen)
    findings: list[Finding | None] = []
    if "q" in recent:
        edits = phase.name == "joint"
        floor = health.q_floor(
            len(crops.classes),
            model.config.q_sees_label,
            codes.EDIT_VARIANCE if edits else codes.UNIFORM_VARIANCE,
            codes.EDIT_MEAN if edits else 0.5,
        )
        findings.append(health.blind_q(recent["q"], floor))
    if phase.latent == "encoder":
        g = model.encode(x)
        findings += [health.dead_code(g), health.saturated_code(g)]
        if model.path is not None:
            parts = model.edit_parts(g, _another(model, y), x)
            findings += [health.closed_flow(parts.flow), health.closed_residual(parts.residual)]
    if phi is not None and phase.name == "joint":
        findings.append(_same_faces(model, x, y, phi))
    numbers = _unseen(model, unseen, phi) if unseen is not None and len(unseen) else {}
    return Inspection(health.found(findings), numbers)


def _another(model: ExprGAN, y: Tensor) -> Tensor:
    """Return the code of the next expression at full intensity."""
    return codes.intensity_code(y.roll(1, dims=1), 1.0, model.elements)


def _same_faces(model: ExprGAN, x: Tensor, y: Tensor, phi: FrozenFeatures) -> Finding | None:
    """Compare embeddings of new identities with those of an equal number of real faces."""
    noise = torch.Generator().manual_seed(0)
    z = model.identities(codes.uniform_noise(len(x), model.identity, noise, x.device))
    code = codes.intensity_code(y[:1].expand(len(x), -1), 1.0, model.elements)
    made = phi.maps(model.decode(z, code), [EMBEDDING])[EMBEDDING]
    return health.ignored_z(made, phi.maps(x, [EMBEDDING])[EMBEDDING])


def _unseen(model: ExprGAN, crops: Crops, phi: FrozenFeatures | None) -> dict[str, float]:
    chosen = crops.spaced(_FACES)
    x, y = crops.batch(chosen), crops.one_hot(chosen)
    g = model.encode(x)
    own = model.decode(g, codes.intensity_code(y, 1.0, model.elements), x)
    numbers = {"val_pixel": float(losses.pixel_loss(own, x))}
    if phi is not None and phi.head is not None:
        edit = model.decode(g, _another(model, y), x)
        logits = phi.head(phi.maps(edit, phi.head.layers))
        right = logits.argmax(1) == y.roll(1, dims=1).argmax(1)
        numbers["val_class_frozen"] = float(right.float().mean())
    return numbers


#: Number of faces in the table of edits; the table of new faces has half as many.
FACES = 6

#: Intensities of one expression.
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)


@torch.no_grad()
def samples(model: ExprGAN, crops: Crops) -> Samples:
    """Edit fixed training faces, and generate fixed new faces.

    The first table shows source, reconstruction, reconstruction from the identity alone, every
    expression at full intensity, and one expression at five intensities; the second table shows new
    identities with every expression.
    """
    title = "training faces; below, new faces"
    return Samples(title, [_edits(model, crops), _new_faces(model, crops)])


def _edits(model: ExprGAN, crops: Crops) -> SampleTable:
    chosen = crops.examples(FACES)
    x, y = crops.batch(chosen), crops.one_hot(chosen)
    g, d = model.encode(x), model.elements
    own = codes.intensity_code(y, 1.0, d)
    columns = [x, model.decode(g, own, x), model.decode(g, own)]
    titles = ["source", "own label", "identity only"]
    count = len(model.classes)
    eye = torch.eye(count, device=x.device)
    for k, name in enumerate(model.classes):
        code = codes.intensity_code(eye[k].expand(len(x), -1), 1.0, d)
        columns.append(model.decode(g, code, x))
        titles.append(name)
    # A different expression in every row, never that of the source.
    shift = torch.arange(len(x), device=x.device) % (count - 1) + 1
    other = eye[(y.argmax(1) + shift) % count]
    for level in LEVELS:
        columns.append(model.decode(g, codes.intensity_code(other, level, d), x))
        titles.append(f"{level:.1f}")
    return SampleTable(columns, titles)


def _new_faces(model: ExprGAN, crops: Crops) -> SampleTable:
    device = crops.images.device
    noise = torch.Generator().manual_seed(0)
    uniform = codes.uniform_noise(FACES, model.identity, noise, device)[: FACES // 2]
    z = model.identities(uniform)
    eye = torch.eye(len(model.classes), device=device)
    columns: list[Tensor] = [
        model.decode(z, codes.intensity_code(row.expand(len(z), -1), 1.0, model.elements))
        for row in eye
    ]
    return SampleTable(columns, list(model.classes))
