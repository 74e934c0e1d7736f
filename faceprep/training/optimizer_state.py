"""Convert the state of an optimizer to tensors and settings, and back.

Tensors are named ``I/FIELD``, I being the index of the parameter over all groups.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

#: Fields of torch's optimizers with the shape of the parameter.
_LIKE_PARAMETER = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg"}

#: Largest accepted setting.
_LARGEST = 1e12

#: Settings that affect only the implementation of a step; not restored.
_EXECUTION = {"params", "foreach", "fused", "capturable", "differentiable", "param_names"}


def capture(optimizer: Optimizer) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """Return the state as tensors by name, and the settings of every group as JSON."""
    tensors = {
        f"{index}/{field}": torch.as_tensor(value)
        for index, parameter in enumerate(_parameters(optimizer))
        for field, value in optimizer.state.get(parameter, {}).items()
        if value is not None
    }
    return tensors, [_settings(group) for group in optimizer.param_groups]


def check(optimizer: Optimizer, tensors: Mapping[str, Tensor], settings: Any) -> str | None:
    """Return the first mismatch with this optimizer, None if there is none; change nothing."""
    groups = [_settings(group) for group in optimizer.param_groups]
    if not isinstance(settings, list) or len(settings) != len(groups):
        return "settings are missing, or for another number of groups"
    for own, other in zip(groups, settings, strict=True):
        for key, value in own.items():
            if not isinstance(other, dict) or not _alike(value, other.get(key, value)):
                return f"'{key}' makes no sense"
    parameters = _parameters(optimizer)
    for name, value in tensors.items():
        place, _, field = name.partition("/")
        index = int(place) if place.isdecimal() and len(place) < 9 else len(parameters)
        if index >= len(parameters) or field not in _LIKE_PARAMETER | {"step"}:
            return f"'{name[:80]}' belongs to no parameter"
        shape = parameters[index].shape if field in _LIKE_PARAMETER else torch.Size([])
        if value.shape != shape or not bool(torch.isfinite(value).all()):
            return f"'{name[:80]}' has another shape, or holds NaN"
    return None


def restore(optimizer: Optimizer, tensors: Mapping[str, Tensor], settings: Any) -> None:
    """Restore a state that `check` accepted; a parameter without saved state gets none."""
    parameters = _parameters(optimizer)
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        place, _, field = name.partition("/")
        parameter = parameters[int(place)]
        if field in _LIKE_PARAMETER:
            # Keep the memory layout of the parameter, e.g. channels last.
            value = torch.empty_like(parameter, requires_grad=False).copy_(value)
        state.setdefault(int(place), {})[field] = value
    groups = optimizer.state_dict()["param_groups"]
    for group, other in zip(groups, settings, strict=True):
        for key in _settings(group):
            value = other.get(key, group[key])
            group[key] = tuple(value) if isinstance(value, list) else value
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in group.items() if key not in _EXECUTION}


def _alike(own: Any, other: Any) -> bool:
    if isinstance(own, tuple | list):
        return (
            isinstance(other, list | tuple)
            and len(own) == len(other)
            and all(_alike(a, b) for a, b in zip(own, other, strict=True))
        )
    if own is None or isinstance(own, bool | str):
        return type(own) is type(other)
    number = isinstance(other, int | float) and not isinstance(other, bool)
    return number and abs(other) < _LARGEST
