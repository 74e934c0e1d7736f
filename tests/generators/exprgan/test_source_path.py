"""The path from the source to the edit."""

import torch
from builders.exprgan import images, labels, smallest

from faceprep.generators.exprgan import build
from faceprep.generators.exprgan.source_path import as_colourful


def test_a_gray_source_gets_no_colours() -> None:
    residual = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    gray = torch.rand(3, 1, 8, 8).expand(-1, 3, -1, -1) * 2 - 1
    made = as_colourful(residual, gray)
    assert torch.allclose(made, residual.mean(1, keepdim=True).expand(-1, 3, -1, -1), atol=1e-5)
    colourful = torch.stack([gray[:, 0], -gray[:, 0], gray[:, 0]], dim=1)
    assert torch.allclose(as_colourful(residual, colourful), residual, atol=1e-5)


def test_the_residual_cannot_grow_behind_the_clamp_of_the_image() -> None:
    model = build(smallest(residual_limit=0.5), seed=0)
    torch.nn.init.normal_(model.path.residual.weight, std=50.0)
    x, y = images(2), labels(2)
    with torch.no_grad():
        code = model.controller(y, torch.ones(2, model.elements))
        parts = model.edit_parts(model.encode(x), code, x)
    assert 0.4 < float(parts.residual.abs().max()) <= 0.5
