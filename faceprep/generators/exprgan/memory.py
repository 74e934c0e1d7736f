"""Estimate the memory of a step's activations before anything is allocated."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from faceprep.generators.exprgan.model import ExprGAN
from faceprep.generators.exprgan.phase import PhaseRecipe

#: Activations of dlib's network per face: outputs of its 29 convolutions at 150 pixels.
_FEATURE_OUTPUTS = 1_250_000

#: Number of passes through the face features that keep their activations.
_FEATURE_PASSES = 2


def activations(model: ExprGAN, phases: Sequence[PhaseRecipe], features: bool) -> int:
    """Estimate the bytes of all layers' float32 outputs in a step with the largest batch.

    `model` is on device ``meta``. Every network is run once for one face and counted repeatedly:
    two encodings, three decodings and edits (own label, other label, and back), and D_img twice.
    """
    config, model = model.config, model.eval()
    counts: dict[str, int] = {}
    joint = any(phase.name == "joint" for phase in phases)
    passes = {"encoder": 2, "decoder": 3, "path": 3, "d_image": 3} if joint else {}

    def count(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                counts[name] = counts.get(name, 0) + 2 * output.numel()

        return hook

    for name, network in model.named_children():
        for layer in network.modules():
            if not list(layer.children()):
                layer.register_forward_hook(count(name))
    with torch.no_grad():
        x = torch.empty(1, 3, config.size, config.size, device="meta")
        y = torch.empty(1, len(config.classes), device="meta")
        code = torch.empty(1, config.code, device="meta")
        g = model.encode(x)
        model.decode(g, code, x)
        model.decode(g, code)
        model.d_image(x, y)
    total = sum(passes.get(name, 2) * outputs for name, outputs in counts.items())
    if features:
        total += _FEATURE_PASSES * _FEATURE_OUTPUTS
    return 4 * total * max(phase.batch for phase in phases)
