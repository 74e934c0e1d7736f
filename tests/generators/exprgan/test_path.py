"""The path from the source to the edit."""

import torch

from faceprep.generators.exprgan.path import as_colourful


def test_a_gray_source_gets_no_colours() -> None:
    residual = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    gray = torch.rand(3, 1, 8, 8).expand(-1, 3, -1, -1) * 2 - 1
    made = as_colourful(residual, gray)
    assert torch.allclose(made, residual.mean(1, keepdim=True).expand(-1, 3, -1, -1), atol=1e-5)
    colourful = torch.stack([gray[:, 0], -gray[:, 0], gray[:, 0]], dim=1)
    assert torch.allclose(as_colourful(residual, colourful), residual, atol=1e-5)
