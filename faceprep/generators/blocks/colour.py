"""Colours of painted images."""

from torch import Tensor

#: Mean distance from gray, in a range of 2, from which a photograph counts as coloured.
_COLOURFUL = 0.02


def pass_clamp(x: Tensor) -> Tensor:
    """Clamp to [-1, 1]; the gradient passes, so that saturated pixels can still change."""
    return x.clamp(-1, 1).detach() + (x - x.detach())


def as_colourful(residual: Tensor, src: Tensor) -> Tensor:
    """Remove the colours of a residual ``(B, 3, S, S)`` if the source is gray.

    Colours on a gray photograph lower some losses without showing an expression. The residual is
    unchanged if the mean distance of the source from gray is at least `_COLOURFUL`.
    """
    x = src.float()
    distance = (x - x.mean(1, keepdim=True)).abs().mean((1, 2, 3), keepdim=True)
    gray = residual.mean(1, keepdim=True)
    return gray + (residual - gray) * (distance / _COLOURFUL).clamp(max=1)
