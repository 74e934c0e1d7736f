"""Configuration of ExprGAN's networks.

The paper omits many details, and the official code differs from it in places. Each difference is a
switch; preset `paper` follows the code.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from faceprep.generators.base import NetworkConfig
from faceprep.generators.blocks.layers import Initialisation
from faceprep.generators.config_values import check_values
from faceprep.generators.exprgan.config_values import (
    ALLOWED,
    RANGES,
    CodeInjection,
    Normalisation,
)


@dataclass(frozen=True, kw_only=True)
class ExprGANConfig(NetworkConfig):
    """Settings of the networks."""

    title = "ExprGAN"
    size: int = 128  # 32, 64 or 128
    #: Length of g(x), and number d of elements per class (paper: 50 and 5).
    identity: int = 50
    elements: int = 5
    #: Channels after the first convolution of G_enc (64) and of D_img (16); length of D_img's fully
    #: connected layer (1024). They determine all other widths.
    width: int = 64
    d_width: int = 16
    d_features: int = 1024
    #: Code: the layers shared by D_img and Q get the label as constant maps. False: they get the
    #: image only, D_img uses the label by projection, and Q infers the expression.
    q_sees_label: bool = True
    #: Code: an additional fully connected layer of 128 before Q's branches.
    q_shared_layer: bool = True
    #: Paper: leaky ReLU everywhere in D_img and D_z. Code (False): ReLU in D_img's convolutions and
    #: in D_z.
    d_leaky: bool = False
    bn_scale: bool = False  # batch norms have γ. Code (False): β only.
    #: Update running statistics. Code: never, so that Q cannot be used on single images. `paper`
    #: updates them, because expression transfer needs Q.
    bn_track: bool = True
    #: Code: tanh after G_enc, the range of the prior. Not given in the paper.
    encoder_tanh: bool = True
    #: Number of repetitions of the expression code beside g(x). Code (None): int(identity / K).
    code_repeats: int | None = None
    #: Code: the expression code is an input of every layer of G_dec. False: of the first only.
    code_everywhere: bool = True
    #: ``official``, or ``he``: the official fully connected layer saturates the tanh.
    initialisation: Initialisation = "official"
    #: Batch norm without parameters before that tanh, so that no dimension becomes constant.
    code_norm: bool = False
    #: Input of the code to G_dec's layers: ``maps`` (code: constant maps before the convolution),
    #: ``bias`` (one bias per image, cheaper, and equal except at the border), or ``film`` (norm,
    #: scaled and shifted by code and identity, which learns many times faster).
    code_injection: CodeInjection = "maps"
    #: ``batch`` (paper, code), or ``spectral`` (in D_img; none in Q and D_z).
    d_norm: Normalisation = "batch"
    class_head: bool = False  # D_img also classifies the expression
    source_path: bool = False  # decode(g, c, src) edits the source by a warp and a residual
    path_width: int = 32  # channels of the path at full size
    #: The path also gets G_dec's features, which show the requested expression.
    path_sees_decoder: bool = True
    #: Largest displacement relative to the side (0 removes the warp); smoothing in cells of a
    #: quarter of the size.
    max_flow: float = 0.1
    flow_sigma: float = 1.0
    #: Factor of the linear residual (0 removes it), and of its initial last weights (0: the
    #: untrained edit equals the source bit for bit).
    residual_scale: float = 0.5
    residual_init: float = 0.0
    #: Bound of the residual by a tanh, in the images' range of 2; 0 for none. An unbounded residual
    #: grows behind the clamp of the image, and causes black holes.
    residual_limit: float = 0.0
    #: Channels of the inputs of the projected discriminator; empty for none.
    projected_channels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_values(self, ALLOWED, RANGES)

    @property
    def code(self) -> int:
        """Length K·d of an expression code."""
        return len(self.classes) * self.elements

    @property
    def repeats(self) -> int:
        """Number of copies of the code beside g(x) at the decoder's first layer."""
        return self.code_repeats or max(self.identity // len(self.classes), 1)

    @property
    def depth(self) -> int:
        """Halvings from the size to 4 pixels: 5 at 128."""
        return self.size.bit_length() - 3


def paper(classes: Sequence[str], size: int = 128, **changes: Any) -> ExprGANConfig:
    """Return the networks of the official code, with its parameter counts at 128 pixels."""
    return ExprGANConfig.from_json(
        {"preset": "paper", "classes": tuple(classes), "size": size, **changes}
    )


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
        **changes,
    }
    return ExprGANConfig.from_json(choices)


def tiny(classes: Sequence[str], size: int = 64, **changes: Any) -> ExprGANConfig:
    """Return `modern` with a quarter of the channels, for two CPU cores."""
    choices = {"preset": "tiny", "width": 16, "path_width": 12, "d_width": 8, "d_features": 128}
    return modern(classes, size, **{**choices, **changes})


PRESETS: Mapping[str, Callable[..., ExprGANConfig]] = MappingProxyType(
    {"paper": paper, "modern": modern, "tiny": tiny}
)
