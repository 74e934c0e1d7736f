"""New identities come from where the encoder's lie."""

import json
from pathlib import Path

import pytest
import torch
from builders.exprgan import smallest

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.generators.exprgan import build
from faceprep.generators.exprgan.prior import PRIOR, fit_prior, prior_from_json
from faceprep.generators.store import load_generator, save_generator


def cloud(count: int) -> torch.Tensor:
    """Identities of length 3: two that go together, in a corner of the prior."""
    random = torch.Generator().manual_seed(3)
    n = torch.randn(count, 3, generator=random, dtype=torch.float64)
    n[:, 1] = 0.9 * n[:, 0] + 0.3 * n[:, 1]
    return torch.tanh(0.3 * n + torch.tensor([0.5, -0.4, 0.0])).float()


def uniform(count: int) -> torch.Tensor:
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(4)) * 2 - 1


def test_new_identities_are_spread_like_those_of_faces() -> None:
    known = cloud(4000)
    made = fit_prior(known)(uniform(4000))
    assert torch.allclose(made.mean(0), known.mean(0), atol=0.02)
    assert torch.allclose(made.std(0), known.std(0), atol=0.02)
    assert torch.allclose(torch.corrcoef(made.T), torch.corrcoef(known.T), atol=0.05)


def test_they_stay_in_the_range_even_at_its_ends() -> None:
    made = fit_prior(cloud(50))(torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]))
    assert bool(torch.isfinite(made).all())
    assert float(made.abs().max()) < 1


def test_few_faces_and_dead_dimensions_are_enough() -> None:
    known = torch.zeros(2, 3)
    known[:, 0] = torch.tensor([0.2, -0.2])
    assert bool(torch.isfinite(fit_prior(known)(uniform(8))).all())


def test_it_comes_back_from_a_file() -> None:
    prior = fit_prior(cloud(100))
    again = prior_from_json(json.loads(json.dumps(prior.to_json())), 3)
    assert torch.equal(again(uniform(5)), prior(uniform(5)))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"mean": [0.0] * 3},
        {"mean": [0.0] * 3, "factor": [[0.0] * 3] * 2},
        {"mean": [0.0] * 2, "factor": [[0.0] * 3] * 3},
        {"mean": [float("nan")] * 3, "factor": [[0.0] * 3] * 3},
        {"mean": "abc", "factor": [[0.0] * 3] * 3},
        {"mean": [0.0] * 3, "factor": [[0.0], [0.0, 0.0], [0.0] * 3]},
    ],
)
def test_a_damaged_one_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="damaged"):
        prior_from_json(values, 3)


def test_a_generator_brings_its_own(tmp_path: Path) -> None:
    config = smallest()
    model = build(config, seed=0)
    u = torch.rand(4, model.identity, generator=torch.Generator().manual_seed(1)) * 2 - 1
    assert torch.equal(model.identities(u), u)
    known = torch.rand(100, model.identity, generator=torch.Generator().manual_seed(2)) * 0.2
    prior, file = fit_prior(known), tmp_path / "generator.safetensors"
    extra = {PRIOR: prior.to_json()}
    save_generator(file, "exprgan", model, config.to_json(), extra=extra)
    assert torch.equal(load_generator(file)[0].identities(u), prior(u))
    damaged = {PRIOR: {"mean": [0.0]}}
    save_generator(file, "exprgan", model, config.to_json(), extra=damaged)
    with pytest.raises(FaceprepError, match="prior of identities"):
        load_generator(file)
