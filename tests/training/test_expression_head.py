"""The frozen expression classifier."""

import torch
from builders.training import LABELS, ToyFeatures, crops

from faceprep.training.expression_head import fit_expression_head
from faceprep.training.ridge import pooled


def test_it_reads_expressions_of_people_whom_it_does_not_know() -> None:
    faces = crops(people=8)
    head, fit = fit_expression_head(ToyFeatures(), faces, ("low", "high"), 0, augmented=False)
    assert fit.accuracy > 0.9
    assert fit.faces == 2 * len(faces)
    new = crops(people=12)
    indices = torch.arange(8 * len(LABELS), len(new))
    maps = ToyFeatures().activations(new.batch(indices), ("low", "high"))
    right = head(maps).argmax(1) == new.labels[indices]
    assert right.float().mean() > 0.9


def test_it_is_only_as_sure_as_it_is_right() -> None:
    faces = crops(people=8)
    noise = torch.Generator().manual_seed(0)
    faces.images.copy_(
        torch.randint(0, 256, faces.images.shape, dtype=torch.uint8, generator=noise)
    )
    head, fit = fit_expression_head(ToyFeatures(), faces, ("low", "high"), 0, augmented=False)
    maps = ToyFeatures().activations(faces.batch(torch.arange(8)), ("low", "high"))
    assert fit.accuracy < 0.5
    assert head(maps).softmax(1).max() < 0.7


def test_gradients_pass_and_nothing_in_it_learns() -> None:
    head = fit_expression_head(ToyFeatures(), crops(), ("low", "high"), 0, True)[0]
    assert not list(head.parameters())
    x = torch.rand(2, 3, 32, 32, requires_grad=True)
    head(ToyFeatures().activations(x, ("low", "high")))[:, 0].sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def test_layers_come_to_one_scale() -> None:
    maps = {"a": torch.rand(2, 3, 9, 9), "b": torch.rand(2, 5, 4, 4) * 1000}
    row = pooled(maps, ("a", "b"))
    assert row.shape == (2, (3 + 5) * 16)
    assert torch.allclose(row[:, :48].square().mean(1), row[:, 48:].square().mean(1), rtol=1e-3)
