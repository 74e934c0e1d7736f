import pytest
import torch

from faceprep.generators.blocks import losses
from faceprep.generators.codes import one_hot
from faceprep.generators.exprgan import codes
from faceprep.training import health


def uniform(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_live_code_is_none_and_a_dead_one_is_named() -> None:
    assert health.dead_code(uniform(200, 50)) is None
    assert float(health.code_spread(uniform(4000, 50)).mean()) == pytest.approx(3**-0.5, rel=0.01)
    still = uniform(200, 50)
    still[:, :20] = 0.3
    for code in (uniform(200, 50) * 0.1, still):
        finding = health.dead_code(code)
        assert finding is not None
        assert finding.name == "dead_code"


def test_saturation_is_seen_where_the_spread_looks_fine() -> None:
    signs = torch.sign(uniform(200, 50))
    assert health.dead_code(signs) is None
    finding = health.saturated_code(signs)
    assert finding is not None
    assert finding.value == 1
    assert health.saturated_code(uniform(200, 50)) is None


@pytest.mark.parametrize(("classes", "floor"), [(6, 0.5), (5, 5 / 12), (12, 1.0)])
def test_q_floor(classes: int, floor: float) -> None:
    assert health.q_floor(classes) == pytest.approx(floor)
    assert health.blind_q(floor * 0.99, health.q_floor(classes)) is not None
    assert health.blind_q(floor * 0.5, health.q_floor(classes)) is None


def test_discriminators() -> None:
    real, fake = uniform(1000) + 1, uniform(1000) - 1
    assert health.one_sided_discriminator(real, fake) is None
    assert health.confused_discriminator(real, fake) is None
    won = health.one_sided_discriminator(real + 20, fake)
    assert won is not None
    assert won.value > won.limit
    sure = health.one_sided_discriminator(real + 2, fake - 2)
    assert sure is not None
    assert "100%" in sure.message
    assert health.confused_discriminator(real, real.flip(0)) is not None


def test_closed_masks_flows_and_residuals() -> None:
    assert health.closed_mask(torch.full((2, 1, 8, 8), 0.4)) is None
    assert health.closed_mask(torch.full((2, 1, 8, 8), 0.001)).limit == 0.02
    assert health.closed_mask(torch.full((2, 1, 8, 8), 0.999)).limit == 0.98
    assert health.closed_flow(torch.zeros(2, 2, 8, 8)) is not None
    flow = torch.zeros(2, 2, 8, 8)
    flow[:, :, 4, 4] = 3
    assert health.closed_flow(flow) is None
    assert health.closed_residual(torch.zeros(2, 3, 8, 8)) is not None
    assert health.closed_residual(uniform(2, 3, 8, 8) * 0.1) is None


def test_one_face_for_every_z_is_seen() -> None:
    real = uniform(60, 128)
    face = uniform(1, 128)
    finding = health.ignored_z(face + 0.01 * uniform(40, 128), real)
    assert finding is not None
    assert finding.name == "ignored_z"
    assert health.ignored_z(uniform(40, 128), real) is None
    # N points at ±a along one axis: distance a from their mean
    assert health.spread(torch.tensor([[2.0, 0], [-2.0, 0]])) == pytest.approx(2)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), torch.tensor([1.0, float("nan")])])
def test_nan_guard_names_the_culprit(bad: float | torch.Tensor) -> None:
    finding = health.not_finite({"pixel": 0.3, "q": bad})
    assert finding is not None
    assert finding.message.startswith("q:")
    assert health.not_finite({"pixel": 0.3, "q": torch.tensor(2.0)}) is None


def test_found_drops_what_is_well() -> None:
    finding = health.not_finite({"q": float("nan")})
    assert health.found([None, finding, None]) == [finding]


def test_the_floor_of_q_in_edits_is_what_the_best_constant_pays() -> None:
    y = one_hot(torch.arange(70_000) % 7, ["a", "b", "c", "d", "e", "f", "g"])
    z, _ = codes.edit_magnitudes(len(y), 5, torch.Generator().manual_seed(0))
    code = codes.expression_code(y, z)
    blind = code.mean().expand_as(code)
    floor = health.q_floor(7, False, codes.EDIT_VARIANCE, codes.EDIT_MEAN)
    assert float(losses.q_loss(blind, code, 7)) == pytest.approx(floor, rel=0.02)


def test_edits_that_do_not_change() -> None:
    x = torch.zeros(2, 3, 8, 8)
    found = health.unchanged_edits(x + 0.001, x)
    assert found is not None
    assert found.name == "unchanged_edits"
    assert health.unchanged_edits(x + 0.1, x) is None


def test_a_deformation_that_folds() -> None:
    found = health.folded_flow(torch.tensor(0.05))
    assert found is not None
    assert "5.0%" in found.message
    assert health.folded_flow(torch.tensor(0.0)) is None
