"""Losses as pure functions of tensors; all reduce to a float32 scalar, also under autocast.

Means are over all elements unless noted, so that weights are independent of batch and image size.
Sources: Ding et al. (2018, eq. 6–10), or their official code for definitions missing in the paper;
other sources are named in the docstrings.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

#: ``wasserstein`` needs the gradient penalty of `wgan_penalty`.
Adversarial = Literal["non_saturating", "hinge", "wasserstein"]
FeatureNorm = Literal["mean", "mean_over_hw", "relative"]

#: Output of a discriminator: one tensor, or one per head.
Logits = Tensor | Sequence[Tensor]


def real_loss(logits: Logits, kind: Adversarial = "non_saturating") -> Tensor:
    """Return the discriminator's loss on real images (eq. 8, 9): softplus(−l), relu(1 − l), −l."""
    if kind == "wasserstein":
        return _over_heads([-head.float() for head in _heads(logits)])
    if kind == "hinge":
        return _over_heads([F.relu(1 - head.float()) for head in _heads(logits)])
    return _over_heads([F.softplus(-head.float()) for head in _heads(logits)])


def fake_loss(logits: Logits, kind: Adversarial = "non_saturating") -> Tensor:
    """Return the discriminator's loss on generated images and on real images with a wrong label."""
    if kind == "wasserstein":
        return _over_heads([head.float() for head in _heads(logits)])
    if kind == "hinge":
        return _over_heads([F.relu(1 + head.float()) for head in _heads(logits)])
    return _over_heads([F.softplus(head.float()) for head in _heads(logits)])


def generator_loss(logits: Logits, kind: Adversarial = "non_saturating") -> Tensor:
    """Return the generator's adversarial loss: softplus(−l), or −l for the two other forms."""
    if kind in ("hinge", "wasserstein"):
        return _over_heads([-head.float() for head in _heads(logits)])
    return real_loss(logits)


def _heads(logits: Logits) -> list[Tensor]:
    return [logits] if isinstance(logits, Tensor) else list(logits)


def _over_heads(values: list[Tensor]) -> Tensor:
    """Average the means of the heads, so that the weight does not depend on their number."""
    return torch.stack([value.mean() for value in values]).mean()


def pixel_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean absolute difference of images ``(B, 3, S, S)`` (eq. 6)."""
    return (made.float() - wanted.float()).abs().mean()


def identity_loss(
    made: Sequence[Tensor],
    wanted: Sequence[Tensor],
    norm: FeatureNorm = "mean",
    weights: Sequence[float] | None = None,
    faces: Tensor | None = None,
) -> Tensor:
    """Return Σ_l β_l·|φ_l(made) − φ_l(wanted)| over the layers of a face network (eq. 7).

    Parameters
    ----------
    made, wanted
        Feature maps per layer, ``(B, C_l, H_l, W_l)``.
    norm
        Reduction of a layer's absolute differences. ``mean``: over all elements.
        ``mean_over_hw``: the mean divided again by H_l·W_l, as in the official code, which at 224
        pixels scales conv1_2 by 1/50176 and conv5_2 by 1/196. ``relative``: the mean divided by
        the mean magnitude of the wanted layer.
    weights
        β_l; 1 each if None.
    faces
        ``(B,)`` weights of the faces; 1 each if None.
    """
    betas = [1.0] * len(made) if weights is None else list(weights)
    terms = []
    for beta, a, b in zip(betas, made, wanted, strict=True):
        each = (a.float() - b.float()).abs().mean(dim=(1, 2, 3))
        difference = (each if faces is None else each * faces).mean()
        if norm == "mean_over_hw":
            difference = difference / (a.shape[2] * a.shape[3])
        elif norm == "relative":
            difference = difference / b.detach().float().abs().mean().clamp_min(1e-6)
        terms.append(beta * difference)
    return torch.stack(terms).sum()


def embedding_loss(made: Tensor, wanted: Tensor, margin: float = 0.0) -> Tensor:
    """Return the mean of relu(|e(made) − e(wanted)| − margin) over ``(B, E)`` face embeddings.

    The margin (dlib's network: 0.25) tolerates the change of embedding by the expression alone.
    """
    distance = (made.float() - wanted.float()).square().sum(1).add(1e-12).sqrt()
    return F.relu(distance - margin).mean()


def q_loss(read: Tensor, code: Tensor, classes: int) -> Tensor:
    """Sum the mean squared errors of the blocks of codes ``(B, K·d)`` over the classes (eq. 4, 5).

    Negative log-likelihood of a factored Gaussian of fixed variance, up to constants. See
    `health.q_floor`.
    """
    return (read.float() - code.float()).square().mean() * classes


def class_loss(logits: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the cross-entropy of logits ``(B, K)`` with one-hot `y`, with weights ``(B,)``."""
    each = -(y.float() * F.log_softmax(logits.float(), dim=1)).sum(1)
    return (each if weights is None else each * weights.float()).mean()


def tv_loss(x: Tensor) -> Tensor:
    """Return L_tv = [Σ dy² / (2·H) + Σ dx² / (2·W)] / B of ``(B, C, H, W)`` (official code)."""
    x = x.float()
    rows = (x[:, :, 1:] - x[:, :, :-1]).square().sum() / (2 * x.shape[2])
    columns = (x[:, :, :, 1:] - x[:, :, :, :-1]).square().sum() / (2 * x.shape[3])
    return (rows + columns) / len(x)


def roughness(x: Tensor) -> Tensor:
    """Return mean |dy| + mean |dx| of ``(B, C, H, W)``: total variation of a residual or a flow."""
    x = x.float()
    return (x[:, :, 1:] - x[:, :, :-1]).abs().mean() + (x[..., 1:] - x[..., :-1]).abs().mean()


def magnitude(x: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the mean |x| of ``(B, C, H, W)``, weighted by a map that broadcasts to `x`."""
    values = x.float().abs()
    return (values if weight is None else values * weight).mean()


def closeness_loss(made: Tensor, source: Tensor, strength: Tensor) -> Tensor:
    """Return the mean |made − source|, weighted 1.3 − r by the strength r ``(B,)`` in [0, 1]."""
    each = (made.float() - source.float()).abs().mean(dim=(1, 2, 3))
    return (each * (1.3 - strength.float())).mean()


def latent_cycle_loss(again: Tensor, g: Tensor) -> Tensor:
    """Return the mean |E(G(g, c')) − g|: an edited face keeps its identity code."""
    return (again.float() - g.float()).abs().mean()


def diversity_loss(a: Tensor, b: Tensor, z_a: Tensor, z_b: Tensor) -> Tensor:
    """Return the mean of |z_a − z_b| / |G(z_a) − G(z_b)|, large if identities give equal images.

    The inverse ratio of mode-seeking GANs (Mao et al. 2019). `a`, `b`: images or features of any
    shape ``(B, …)`` with the same expression code; `z_a`, `z_b`: ``(B, G)``.
    """
    images = (a.float() - b.float()).flatten(1).abs().mean(1)
    identities = (z_a.float() - z_b.float()).abs().mean(1)
    return (identities / (images + 1e-2)).mean()


def r1_penalty(logits: Logits, x: Tensor) -> Tensor:
    """Return ½·mean |∇_x Σ D(x)|² on real images (Mescheder et al. 2018), outside autocast.

    `x` ``(B, …)``: unaugmented images that require gradients.
    """
    total = torch.stack([head.float().sum() for head in _heads(logits)]).sum()
    (gradient,) = torch.autograd.grad(total, x, create_graph=True)
    return 0.5 * gradient.float().square().flatten(1).sum(1).mean()


def wgan_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor
) -> Tensor:
    """Return mean (|∇ Σ D(x̂)| − 1)² with x̂ between real and generated images, outside autocast.

    Gulrajani et al. (2017). For a linear critic w·x it is (|w| − 1)².

    Parameters
    ----------
    critic
        Function: images → logits of any shape; the outputs of an image are summed, as in the
        official code of GANimation.
    real, fake
        ``(B, …)`` images.
    mix
        ``(B,)`` share of the real image in [0, 1].
    """
    share = mix.view(-1, *[1] * (real.dim() - 1))
    between = (share * real.float() + (1 - share) * fake.float()).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).float().sum(), between, create_graph=True)
    norm = gradient.float().flatten(1).square().sum(1).add(1e-12).sqrt()
    return (norm - 1).square().mean()


def label_loss(read: Tensor, wanted: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the mean squared error of labels ``(B, L)``, with weights ``(L,)`` of the labels.

    The mean, not the sum over batch or labels: the weight does not depend on their numbers.
    """
    error = (read.float() - wanted.float()).square()
    return (error if weights is None else error * weights.float()).mean()


def cosine_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean of 1 − cos of embeddings ``(B, E)``."""
    return 1 - F.cosine_similarity(made.float(), wanted.float(), dim=1).mean()
