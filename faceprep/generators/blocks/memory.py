"""Estimate the memory that the activations of networks take."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

#: Activations of dlib's network per face: outputs of its 29 convolutions at 150 pixels.
FEATURE_OUTPUTS = 1_250_000

#: Numbers kept per output: the output itself, and what its layer saves for the gradient.
_KEPT = 2


def outputs_by_network(model: nn.Module, run: Callable[[], Any]) -> dict[str, int]:
    """Count the numbers that the layers of every child keep in `run`, on device ``meta``."""
    counts: dict[str, int] = {}

    def count(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                counts[name] = counts.get(name, 0) + _KEPT * output.numel()

        return hook

    handles = [
        layer.register_forward_hook(count(name))
        for name, network in model.named_children()
        for layer in network.modules()
        if not list(layer.children())
    ]
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    return counts
