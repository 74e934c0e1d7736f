"""Labels and expression codes, independent of the generator.

An expression code has K blocks of d elements, one block per class: the block of the shown class is
positive, all others are negative.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from faceprep.core.errors import UsageError


def one_hot(labels: Sequence[str] | Tensor, classes: Sequence[str]) -> Tensor:
    """Convert labels to ``(B, K) float32`` in {0, 1}.

    Parameters
    ----------
    labels
        Names of expressions, or ``(B,)`` int64 indices into `classes` (their device is kept).

    Raises
    ------
    UsageError
        A name is not among the classes.
    """
    if not isinstance(labels, Tensor):
        for label in labels:
            if label not in classes:
                raise UsageError(
                    f"the generator does not know the expression '{label}'",
                    hint=f"one of {', '.join(classes)}",
                )
        labels = torch.tensor([list(classes).index(label) for label in labels])
    return torch.nn.functional.one_hot(labels, len(classes)).float()


def absent_code(batch: int, classes: int, elements: int) -> Tensor:
    """Return the code without any class, −1 everywhere, ``(B, K·d)``."""
    return torch.full((batch, classes * elements), -1.0)


def clamp_code(c: Tensor, y: Tensor) -> Tensor:
    """Clamp a code to the range of training: active [0, 1], others [-1, 0]."""
    blocks = c.unflatten(1, (y.shape[1], -1))
    present = y[:, :, None] > 0.5
    return torch.where(present, blocks.clamp(0, 1), blocks.clamp(-1, 0)).flatten(1)


def active_block(c: Tensor, y: Tensor) -> Tensor:
    """Return the d elements of the labelled class, ``(B, d)``."""
    return (c.unflatten(1, (y.shape[1], -1)) * y[:, :, None]).sum(1)
