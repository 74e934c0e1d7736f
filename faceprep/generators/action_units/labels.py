"""Labels of a target in [0, 1]: intensities of Action Units, or expressions."""

import torch
from torch import Tensor

from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.generators.action_units.config import ActionUnitConfig
from faceprep.generators.base import Target

#: Largest intensity of an Action Unit.
MOST = 5.0


def columns_of(config: ActionUnitConfig) -> list[int]:
    """Return the indices of the labels in `INTENSITY_AUS`."""
    return [INTENSITY_AUS.index(name) for name in config.labels]


def requested_labels(target: Target, config: ActionUnitConfig) -> tuple[Tensor, Tensor]:
    """Return the labels of the sources and the requested ones, ``(B, L)`` in [0, 1] each.

    The labels of the sources are 0 if expressions drive the networks, which do not read them.
    """
    if config.by_expression:
        wanted = target.require("expression") * target.require("intensity")[:, None]
        return torch.zeros_like(wanted), wanted
    columns = columns_of(config)
    own, wanted = target.require("source_action_units"), target.require("action_units")
    return own[:, columns] / MOST, wanted[:, columns] / MOST


def condition_of(own: Tensor, wanted: Tensor, config: ActionUnitConfig) -> Tensor:
    """Return the input of the networks, ``(B, condition_length)``."""
    change = wanted - own
    parts = {"target": (wanted,), "change": (change,), "both": (wanted, change)}
    return config.condition_gain * torch.cat(parts[config.condition], dim=1)
