"""Allowed values of ExprGAN's configuration."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

from faceprep.generators.blocks.layers import Initialisation
from faceprep.generators.config_values import SIZES

Preset = Literal["paper", "modern", "tiny"]
CodeInjection = Literal["maps", "bias", "film"]
Normalisation = Literal["batch", "spectral"]

#: Smallest and largest value of every number, so that an untrusted file cannot exhaust memory.
RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "identity": (2, 1024),
        "elements": (1, 64),
        "width": (4, 256),
        "d_width": (4, 256),
        "d_features": (8, 4096),
        "path_width": (4, 256),
        "code_repeats": (1, 64),
        "max_flow": (0.0, 0.5),
        "flow_sigma": (0.0, 8.0),
        "residual_scale": (0.0, 4.0),
        "residual_init": (0.0, 1.0),
        "residual_limit": (0.0, 2.0),
    }
)


ALLOWED: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "preset": get_args(Preset),
        "size": SIZES,
        "initialisation": get_args(Initialisation),
        "code_injection": get_args(CodeInjection),
        "d_norm": get_args(Normalisation),
    }
)
