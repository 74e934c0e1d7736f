"""Presets of AdaIN-GANimation, see `faceprep.generators.action_units.presets`."""

from collections.abc import Mapping
from types import MappingProxyType

from faceprep.generators.action_units.presets import (
    MODERN,
    MODERN_NETWORKS,
    PAPER,
    TINY,
    TINY_NETWORKS,
)
from faceprep.generators.action_units.setup import Preset

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "paper": Preset({"size": 128}, PAPER),
        "modern": Preset(MODERN_NETWORKS, MODERN, projects=True),
        "tiny": Preset(TINY_NETWORKS, TINY, projects=True),
    }
)
