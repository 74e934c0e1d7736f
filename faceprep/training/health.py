"""Detect known training failures, each with a name.

Pure functions of numbers or tensors that return a `Finding` or None. Losses do not reveal these
failures: a dead code has a latent cycle loss of 0, a closed mask a perfect reconstruction.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

#: Variance of |U(-1, 1)|, the magnitude of one element of the code.
_UNIFORM = 1 / 12


@dataclass(frozen=True)
class Finding:
    """A detected failure."""

    name: str  # short name, e.g. ``dead_code``, ``blind_q``.
    message: str  # measurement and advice
    #: Measured number, and the bound that it violates.
    value: float
    limit: float


def found(findings: Iterable[Finding | None]) -> list[Finding]:
    """Return the findings that are not None."""
    return [finding for finding in findings if finding is not None]


def code_spread(g: Tensor) -> Tensor:
    """Return the standard deviation ``(G,)`` of identities ``(N, G)``; the prior has 0.577."""
    return g.detach().float().std(dim=0, correction=0)


def dead_code(g: Tensor, mean_limit: float = 0.2, dead_limit: float = 0.02) -> Finding | None:
    """Detect identities that hardly differ: a small mean spread, or constant dimensions.

    `g`: ``(N, G)`` in [-1, 1] of different images. A dimension with a spread below `dead_limit` is
    dead; a tenth of them may be.
    """
    spread = code_spread(g)
    mean, dead = float(spread.mean()), float((spread < dead_limit).float().mean())
    if mean >= mean_limit and dead <= 0.1:
        return None
    return Finding(
        "dead_code",
        f"identities hardly differ (mean spread {mean:.3f}, {dead:.0%} of the dimensions constant)."
        " Set train.networks.code_norm=true or lower train.weights.latent_cycle.",
        mean,
        mean_limit,
    )


def saturated_code(g: Tensor, limit: float = 0.5) -> Finding | None:
    """Detect a share above `limit` of elements at ±1, where tanh has no gradient."""
    share = float((g.detach().float().abs() > 0.99).float().mean())
    if share <= limit:
        return None
    message = (
        f"{share:.0%} of the identity code is saturated at ±1. Set train.networks.code_norm=true."
    )
    return Finding("saturated_code", message, share, limit)


def q_floor(
    classes: int, sees_label: bool = True, variance: float = _UNIFORM, mean: float = 0.5
) -> float:
    """Return the smallest L_Q of a Q that ignores the image.

    Parameters
    ----------
    classes
        K.
    sees_label
        True: Q knows the label, and so all signs: K·variance, 0.5 for six classes. False: Q also
        guesses the class, with equal frequencies.
    variance, mean
        Variance and mean of one magnitude; of |U(-1, 1)| by default.
    """
    if sees_label:
        return classes * variance
    return classes * (variance + mean**2 - (mean * (2 / classes - 1)) ** 2)


def blind_q(loss: float, floor: float, share: float = 0.9) -> Finding | None:
    """Detect an L_Q close to `floor`: the intensity cannot be read from the images."""
    if loss < share * floor:
        return None
    return Finding(
        "blind_q",
        f"intensity has no visible effect yet (blind_q {loss:.2f}, chance {floor:.2f})."
        " Train longer or raise train.weights.q.",
        loss,
        share * floor,
    )


def one_sided_discriminator(
    real: Tensor, fake: Tensor, overfit: float = 0.8, gap: float = 8.0
) -> Finding | None:
    """Detect a discriminator that separates real from fake too easily for G to learn.

    `real`, `fake`: logits of one discriminator, any shape. The target of ADA's sign statistic
    E[sign(D(real))] is 0.6, and the means should not differ much.
    """
    sign = float(real.detach().float().sign().mean())
    distance = float(real.detach().float().mean() - fake.detach().float().mean())
    if distance > gap:
        message = (
            f"the discriminator is too strong (mean logits {distance:.1f} apart). Lower"
            " train.learning_rate or raise train.weights.r1."
        )
        return Finding("one_sided_discriminator", message, distance, gap)
    if sign > overfit and distance > gap / 2:
        message = (
            f"the discriminator is certain of {sign:.0%} of the real images. Set"
            " train.recipe.augment=true or raise train.weights.r1."
        )
        return Finding("one_sided_discriminator", message, sign, overfit)
    return None


def confused_discriminator(real: Tensor, fake: Tensor, gap: float = 0.02) -> Finding | None:
    """Detect a discriminator with equal outputs for real and fake, from which G cannot learn."""
    distance = float(real.detach().float().mean() - fake.detach().float().mean())
    if distance > gap:
        return None
    message = (
        f"the discriminator does not separate real from generated faces (mean logits {distance:.3f}"
        " apart). Train longer."
    )
    return Finding("confused_discriminator", message, distance, gap)


def closed_mask(mask: Tensor, low: float = 0.02, high: float = 0.98) -> Finding | None:
    """Detect a mask in [0, 1] that is constant: G copies or replaces the whole image."""
    mean = float(mask.detach().float().mean())
    if low <= mean <= high:
        return None
    message = f"the mask is constant (mean {mean:.3f}): edits copy or replace the whole face"
    return Finding("closed_mask", message, mean, low if mean < low else high)


def closed_flow(flow: Tensor, pixels: float = 0.1) -> Finding | None:
    """Detect a warp whose mean largest displacement per image is below `pixels`.

    `flow`: ``(B, 2, S, S)`` pixels, of edits to another expression.
    """
    largest = float(flow.detach().float().flatten(1).abs().amax(1).mean())
    if largest >= pixels:
        return None
    message = (
        f"edits move no pixels (largest displacement {largest:.3f}). Train longer or raise"
        " train.weights.class_frozen."
    )
    return Finding("closed_flow", message, largest, pixels)


def closed_residual(residual: Tensor, limit: float = 0.002) -> Finding | None:
    """Detect a residual ``(B, 3, S, S)`` whose mean absolute value is below `limit`."""
    mean = float(residual.detach().float().abs().mean())
    if mean >= limit:
        return None
    message = (
        f"edits change no colours (mean residual {mean:.4f}). Train longer or lower"
        " train.weights.residual."
    )
    return Finding("closed_residual", message, mean, limit)


def unchanged_edits(edited: Tensor, source: Tensor, levels: float = 0.5) -> Finding | None:
    """Detect edits that hardly differ from their sources, ``(B, 3, S, S)`` in [-1, 1].

    `levels`: smallest mean difference, grey levels of 255.
    """
    change = float((edited.detach().float() - source.float()).abs().mean()) * 127.5
    if change >= levels:
        return None
    message = (
        f"edits do not depend on the labels (mean change {change:.2f} of 255). Train longer, or"
        " raise the weights of the labels (train.weights.label_frozen, label_critic)."
    )
    return Finding("unchanged_edits", message, change, levels)


def folded_flow(share: Tensor, limit: float = 0.001) -> Finding | None:
    """Detect a deformation that folds, by the share of its cells that do."""
    value = float(share)
    if value <= limit:
        return None
    message = (
        f"{value:.1%} of the cells of the deformation fold. Raise train.weights.flow_roughness."
    )
    return Finding("folded_flow", message, value, limit)


def spread(images: Tensor) -> float:
    """Return the root mean squared distance of ``(N, …)`` images or embeddings to their mean."""
    flat = images.detach().float().flatten(1)
    return math.sqrt(float((flat - flat.mean(0)).square().sum(1).mean()))


def ignored_z(made: Tensor, real: Tensor, share: float = 0.25) -> Finding | None:
    """Detect new identities that look equal.

    Parameters
    ----------
    made
        ``(N, …)`` images or embeddings of different z with one expression code.
    real
        ``(M, …)`` images or embeddings of different people with that expression.
    share
        Required spread relative to real people.
    """
    value, limit = spread(made), share * spread(real)
    if value >= limit:
        return None
    message = (
        f"new faces look alike (spread {value:.3f}, real people {limit / share:.3f}). Train longer"
        " or raise train.weights.diversity."
    )
    return Finding("ignored_z", message, value, limit)


def not_finite(values: Mapping[str, float | Tensor]) -> Finding | None:
    """Detect a loss or a norm that is NaN or infinite."""
    bad = [
        name
        for name, value in values.items()
        if not bool(torch.isfinite(torch.as_tensor(value)).all())
    ]
    if not bad:
        return None
    message = f"{', '.join(bad)}: NaN or infinite"
    return Finding("not_finite", message, float("nan"), 0.0)
