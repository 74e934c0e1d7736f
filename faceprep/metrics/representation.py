"""Compute a generator's identities g(x) and expression codes Q(x, y) of faces."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from faceprep.generators.codes import one_hot
from faceprep.metrics.identity import in_batches

if TYPE_CHECKING:
    from faceprep.generators.base import HasExpressionCode

_BATCH = 64


def identities(
    model: "HasExpressionCode", images: np.ndarray, device: torch.device | str = "cpu"
) -> np.ndarray:
    """Return g(x) of crops ``(N, S, S, 3) uint8``, ``(N, G) float64``."""
    return in_batches(lambda x, _: model.encode(x), images, device, _BATCH, model.identity)


def expression_codes(
    model: "HasExpressionCode",
    images: np.ndarray,
    expressions: Sequence[str],
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Return Q(x, y) of crops ``(N, S, S, 3) uint8`` with labels, ``(N, K·d) float64``.

    UsageError if a label is no class of the generator.
    """
    y = one_hot(list(expressions), model.classes).to(device)
    width = len(model.classes) * model.elements
    return in_batches(lambda x, rows: model.q(x, y[rows]), images, device, _BATCH, width)
