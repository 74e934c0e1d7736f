"""How an ExprGAN is doing between its steps: the known failures, and faces it does not train on."""

from typing import NamedTuple

import torch
from torch import Tensor

from faceprep.generators.blocks import losses
from faceprep.generators.exprgan import codes
from faceprep.generators.exprgan.forward import EMBEDDING, Phi
from faceprep.generators.exprgan.model import ExprGAN
from faceprep.generators.exprgan.schedule import Stage
from faceprep.training import health
from faceprep.training.crops import Crops
from faceprep.training.health import Finding

#: Faces that are looked at.
_FACES = 32

#: Steps whose mean stands for the present.
RECENT = 50


class Watch(NamedTuple):
    """What was seen: failures, and numbers for the history."""

    findings: list[Finding]
    numbers: dict[str, float]


@torch.no_grad()
def watch(
    model: ExprGAN,
    stage: Stage,
    crops: Crops,
    unseen: Crops | None,
    phi: Phi | None,
    recent: dict[str, float],
) -> Watch:
    """Look at a generator in eval mode.

    Parameters
    ----------
    crops, unseen
        Faces of the training, and of people it does not see (split ``val``), if there are any.
    recent
        Means of the history's columns over the last steps.
    """
    chosen = torch.arange(0, len(crops), max(len(crops) // _FACES, 1))[:_FACES]
    x, y = crops.batch(chosen), crops.one_hot(chosen)
    findings: list[Finding | None] = []
    if "q" in recent:
        edits = stage.name == "joint"
        floor = health.q_floor(
            len(crops.classes),
            model.config.q_sees_label,
            codes.EDIT_VARIANCE if edits else codes.UNIFORM_VARIANCE,
            codes.EDIT_MEAN if edits else 0.5,
        )
        findings.append(health.blind_q(recent["q"], floor))
    if stage.latent == "encoder":
        g = model.encode(x)
        findings += [health.dead_code(g), health.saturated_code(g)]
        if model.path is not None:
            parts = model.edit_parts(g, _another(model, y), x)
            findings += [health.closed_flow(parts.flow), health.closed_residual(parts.residual)]
    if phi is not None and stage.name == "joint":
        findings.append(_same_faces(model, x, y, phi))
    numbers = _unseen(model, unseen, phi) if unseen is not None and len(unseen) else {}
    return Watch(health.found(findings), numbers)


def _another(model: ExprGAN, y: Tensor) -> Tensor:
    """Full code of the next expression."""
    return codes.intensity_code(y.roll(1, dims=1), 1.0, model.elements)


def _same_faces(model: ExprGAN, x: Tensor, y: Tensor, phi: Phi) -> Finding | None:
    """New identities against as many real people, all in embeddings."""
    noise = torch.Generator().manual_seed(0)
    z = model.identities(codes.uniform_noise(len(x), model.identity, noise, x.device))
    code = codes.intensity_code(y[:1].expand(len(x), -1), 1.0, model.elements)
    made = phi.maps(model.decode(z, code), [EMBEDDING])[EMBEDDING]
    return health.ignored_z(made, phi.maps(x, [EMBEDDING])[EMBEDDING])


def _unseen(model: ExprGAN, crops: Crops, phi: Phi | None) -> dict[str, float]:
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
