"""Inspect an ExprGAN between two steps, on training faces and on unseen faces."""

from collections.abc import Mapping

import torch
from torch import Tensor

from faceprep.generators.blocks import losses
from faceprep.generators.exprgan import codes
from faceprep.generators.exprgan.forward import EMBEDDING, FaceFeatures
from faceprep.generators.exprgan.model import ExprGAN
from faceprep.generators.exprgan.phase import PhaseRecipe
from faceprep.training import health
from faceprep.training.crops import Crops
from faceprep.training.health import Finding
from faceprep.training.trainer import Inspection

#: Number of inspected faces.
_FACES = 32


@torch.no_grad()
def inspect(
    model: ExprGAN,
    phase: PhaseRecipe,
    crops: Crops,
    unseen: Crops | None,
    phi: FaceFeatures | None,
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
    chosen = torch.arange(0, len(crops), max(len(crops) // _FACES, 1))[:_FACES]
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


def _same_faces(model: ExprGAN, x: Tensor, y: Tensor, phi: FaceFeatures) -> Finding | None:
    """Compare embeddings of new identities with those of an equal number of real faces."""
    noise = torch.Generator().manual_seed(0)
    z = model.identities(codes.uniform_noise(len(x), model.identity, noise, x.device))
    code = codes.intensity_code(y[:1].expand(len(x), -1), 1.0, model.elements)
    made = phi.maps(model.decode(z, code), [EMBEDDING])[EMBEDDING]
    return health.ignored_z(made, phi.maps(x, [EMBEDDING])[EMBEDDING])


def _unseen(model: ExprGAN, crops: Crops, phi: FaceFeatures | None) -> dict[str, float]:
    chosen = torch.arange(0, len(crops), max(len(crops) // _FACES, 1))[:_FACES]
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
