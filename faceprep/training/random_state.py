"""Capture and restore random states, so that a resumed training draws the same numbers.

Torch's states are stored as tensors of bytes, NumPy's as JSON integers.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Streams:
    """Random generators of a training by name, in addition to torch's global ones."""

    #: NumPy generators: ``{"order": np.random.default_rng(0)}``.
    shuffles: Mapping[str, np.random.Generator] = field(default_factory=dict)
    #: Torch generators on any device: ``{"noise": torch.Generator()}``.
    draws: Mapping[str, torch.Generator] = field(default_factory=dict)


def capture(streams: Streams) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the states as tensors of bytes by name, and as JSON."""
    tensors = {"global/cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        for index, state in enumerate(torch.cuda.get_rng_state_all()):
            tensors[f"global/cuda{index}"] = state
    for name, generator in streams.draws.items():
        tensors[f"stream/{name}"] = generator.get_state()
    return tensors, {name: each.bit_generator.state for name, each in streams.shuffles.items()}


def check(streams: Streams, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> str | None:
    """Return the first mismatch, None if there is none; change nothing."""
    # States of GPUs are not required: results on another machine differ in any case.
    wanted = {"global/cpu": torch.default_generator}
    wanted |= {f"stream/{name}": each for name, each in streams.draws.items()}
    for name, generator in wanted.items():
        try:
            torch.Generator(generator.device).set_state(tensors[name].clone())
        except (KeyError, RuntimeError, TypeError):
            return f"the random state '{name}' is missing or damaged"
    for name, each in streams.shuffles.items():
        try:
            deepcopy(each).bit_generator.state = values[name]
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            return f"the random state '{name}' is missing or damaged"
    return None


def restore(streams: Streams, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
    """Restore states that `check` accepted; those of missing GPUs are skipped."""
    torch.set_rng_state(tensors["global/cpu"])
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        state = tensors.get(f"global/cuda{index}")
        if state is not None and state.shape == torch.cuda.get_rng_state(index).shape:
            torch.cuda.set_rng_state(state, index)
    for name, generator in streams.draws.items():
        generator.set_state(tensors[f"stream/{name}"])
    for name, each in streams.shuffles.items():
        each.bit_generator.state = values[name]
