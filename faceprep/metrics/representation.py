"""Compute a generator's identities g(x) and expression codes Q(x, y) of faces."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from faceprep.core.pixels import image_tensor
from faceprep.generators.codes import one_hot

if TYPE_CHECKING:
    from faceprep.generators.base import HasExpressionCode

_BATCH = 64


def identities(
    model: "HasExpressionCode", images: np.ndarray, device: torch.device | str = "cpu"
) -> np.ndarray:
    """Return g(x) of crops ``(N, S, S, 3) uint8``, ``(N, G) float64``."""
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), _BATCH):
            x = image_tensor(images[start : start + _BATCH], device)
            parts.append(model.encode(x).double().cpu().numpy())
    return np.concatenate(parts) if parts else np.zeros((0, model.identity))


def expression_codes(
    model: "HasExpressionCode",
    images: np.ndarray,
    expressions: Sequence[str],
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Return Q(x, y) of crops ``(N, S, S, 3) uint8`` with labels, ``(N, K·d) float64``.

    Raises
    ------
    UsageError
        A label is no class of the generator.
    """
    y = one_hot(list(expressions), model.classes).to(device)
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), _BATCH):
            x = image_tensor(images[start : start + _BATCH], device)
            parts.append(model.q(x, y[start : start + _BATCH]).double().cpu().numpy())
    return np.concatenate(parts) if parts else np.zeros((0, len(model.classes) * model.elements))
