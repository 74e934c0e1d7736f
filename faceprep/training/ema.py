"""Exponential moving average of weights; buffers (running statistics, …) are copied unchanged."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class EMA:
    """Averaged copy of a module's state.

    Parameters
    ----------
    module
        Module to average, starting from its current values.
    half_life
        Half-life in images. StyleGAN2-ADA: 10 000, or 5 % of the images seen so far if that is
        less, as here.
    names
        Children to average; all if None.

    Notes
    -----
    A checkpoint has raw and averaged weights: `state` is stored and restored in place.
    """

    def __init__(
        self, module: nn.Module, half_life: float = 10_000, names: Sequence[str] | None = None
    ) -> None:
        self.half_life = half_life
        self.names = None if names is None else tuple(names)
        self.state = {name: value.detach().clone() for name, value in self._live(module).items()}
        self._learned = {name for name, _ in module.named_parameters() if name in self.state}

    def _live(self, module: nn.Module) -> dict[str, Tensor]:
        state: dict[str, Tensor] = module.state_dict()
        chosen = self.names
        return {
            name: value
            for name, value in state.items()
            if chosen is None or name.split(".", 1)[0] in chosen
        }

    def decay(self, batch: int, seen: int) -> float:
        """Return the weight of the old average after a batch that follows `seen` images."""
        half_life = min(self.half_life, 0.05 * (seen + batch))
        return 0.5 ** (batch / half_life)

    @torch.no_grad()
    def update(self, module: nn.Module, batch: int, seen: int) -> None:
        """Update the average with the current weights of the module.

        `module`: the module of the constructor.
        `batch`, `seen`: images of this step, and images of all earlier steps.
        """
        live = self._live(module)
        learned = [name for name in self.state if name in self._learned]
        torch._foreach_lerp_(
            [self.state[name] for name in learned],
            [live[name].detach() for name in learned],
            1 - self.decay(batch, seen),
        )
        for name, value in self.state.items():
            if name not in self._learned:
                value.copy_(live[name])

    @torch.no_grad()
    def copy_to(self, module: nn.Module) -> None:
        """Overwrite the module's weights and buffers with the averaged ones."""
        for name, value in self._live(module).items():
            value.copy_(self.state[name])

    @contextmanager
    def swapped(self, module: nn.Module) -> Iterator[nn.Module]:
        """Use the averaged weights inside the block, then restore the raw ones bit for bit."""
        own = {name: value.detach().clone() for name, value in self._live(module).items()}
        self.copy_to(module)
        try:
            yield module
        finally:
            with torch.no_grad():
                for name, value in self._live(module).items():
                    value.copy_(own[name])
