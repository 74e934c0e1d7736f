"""Estimate the memory that the activations of networks take."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

#: Activations of dlib's network per face: outputs of its 29 convolutions at 150 pixels.
FEATURE_OUTPUTS = 1_250_000

#: Numbers kept per output: the output itself, and what its layer saves for the gradient.
_KEPT = 2


def outputs_of(network: nn.Module, run: Callable[[], Any]) -> int:
    """Count the numbers that the layers of a network keep in a forward pass on device ``meta``."""
    total = 0

    def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
        nonlocal total
        if isinstance(output, Tensor):
            total += _KEPT * output.numel()

    layers = [layer for layer in network.modules() if not list(layer.children())]
    handles = [layer.register_forward_hook(hook) for layer in layers]
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    return total
