"""Presets of ExprGAN's networks."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from faceprep.generators.exprgan.config import ExprGANConfig, make_config


def paper(classes: Sequence[str], size: int = 128, **changes: Any) -> ExprGANConfig:
    """Return the networks of the official code, with its parameter counts at 128 pixels."""
    return make_config({"preset": "paper", "classes": tuple(classes), "size": size}, changes)


def modern(classes: Sequence[str], size: int = 128, **changes: Any) -> ExprGANConfig:
    """Return networks with a path from the source and a normalised identity code."""
    choices = {
        "preset": "modern",
        "classes": tuple(classes),
        "size": size,
        "width": 64 if size == 128 else 32,
        "path_width": 32 if size == 128 else 24,
        "d_features": 512,
        "q_sees_label": False,
        "d_leaky": True,
        "initialisation": "he",
        "code_norm": True,
        "code_injection": "film",
        "d_norm": "spectral",
        "class_head": True,
        "source_path": True,
        "residual_limit": 0.8,
    }
    return make_config(choices, changes)


def tiny(classes: Sequence[str], size: int = 64, **changes: Any) -> ExprGANConfig:
    """Return `modern` with a quarter of the channels, for two CPU cores."""
    choices = {
        "preset": "tiny",
        "width": 16,
        "path_width": 12,
        "d_width": 8,
        "d_features": 128,
    }
    return modern(classes, size, **{**choices, **changes})


PRESETS: Mapping[str, Callable[..., ExprGANConfig]] = MappingProxyType(
    {"paper": paper, "modern": modern, "tiny": tiny}
)
