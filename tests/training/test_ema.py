import pytest
import torch
from torch import nn

from faceprep.training.ema import EMA


def test_after_the_half_life_half_of_the_old_weight_is_left() -> None:
    net = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(net.weight)
    ema = EMA(net, half_life=1000)
    nn.init.ones_(net.weight)
    for _ in range(100):
        ema.update(net, batch=10, seen=10**6)
    assert float(ema.state["weight"]) == pytest.approx(0.5, abs=1e-5)


def test_it_follows_quickly_at_the_start() -> None:
    ema = EMA(nn.Linear(1, 1), half_life=10_000)
    assert ema.decay(16, 0) < 1e-6
    assert ema.decay(16, 16_000) == pytest.approx(0.5 ** (16 / (0.05 * 16_016)))
    assert ema.decay(16, 10**7) == pytest.approx(0.5 ** (16 / 10_000))


def test_running_statistics_are_copied_not_averaged() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    ema = EMA(net, half_life=10**9)
    net(torch.randn(8, 3) + 5)
    ema.update(net, batch=8, seen=10**6)
    assert torch.equal(ema.state["1.running_mean"], net[1].running_mean)
    assert ema.state["1.num_batches_tracked"] == 1


def test_only_the_named_children() -> None:
    net = nn.ModuleDict({"maker": nn.Linear(2, 2), "judge": nn.Linear(2, 2)})
    ema = EMA(net, names=("maker",))
    assert set(ema.state) == {"maker.weight", "maker.bias"}


def test_swapped_gives_the_average_and_then_the_own_weights_bit_for_bit() -> None:
    net = nn.Linear(4, 4)
    ema = EMA(net)
    average = {name: value.clone() for name, value in ema.state.items()}
    with torch.no_grad():
        net.weight.add_(torch.randn(4, 4))
    own = {name: value.clone() for name, value in net.state_dict().items()}
    with ema.swapped(net) as swapped:
        assert torch.equal(swapped.weight, average["weight"])
    assert all(torch.equal(own[name], value) for name, value in net.state_dict().items())
    with pytest.raises(ZeroDivisionError), ema.swapped(net):
        raise ZeroDivisionError
    assert all(torch.equal(own[name], value) for name, value in net.state_dict().items())
    ema.copy_to(net)
    assert torch.equal(net.weight, average["weight"])
