"""Parts of a training step that kinds share."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return the weighted sum of losses; the default weight is 1."""
    return torch.stack([weights.get(name, 1.0) * value for name, value in terms.items()]).sum()


def learn(optimizer: Optimizer, loss: Tensor) -> None:
    """Differentiate a loss and update the weights."""
    if not loss.requires_grad:  # train.freeze may have frozen all that it depends on
        return
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


@contextmanager
def fixed(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Disable gradients of these parameters inside the block; frozen ones stay frozen."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def rate_factor(step: int, steps: int, decay: float) -> float:
    """Return the factor of the learning rate: falling to 0 over the last share `decay`."""
    return min((steps - step) / (decay * steps), 1.0) if decay else 1.0
