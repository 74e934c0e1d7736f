"""Configuration of ExprGAN's networks.

The paper leaves out much, and the official code differs from it in places. Each difference is a
switch here; preset `paper` follows the code, which is what was trained.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from faceprep.core.errors import UsageError
from faceprep.generators.blocks.layers import Initialisation
from faceprep.generators.exprgan.config_values import (
    CodeInjection,
    Normalisation,
    Preset,
    check_values,
)


@dataclass(frozen=True, kw_only=True)
class ExprGANConfig:
    """Settings that determine the networks' shapes and functions.

    Attributes
    ----------
    preset
        Name of the recipe.
    classes
        The K expressions in the order of the labels.
    size
        Side of the images: 32, 64 or 128 pixels.
    identity, elements
        Length of g(x), elements d of a class in the code (paper: 50 and 5).
    width, d_width, d_features
        Channels after the first convolution of G_enc (64) and of D_img (16); length of D_img's
        fully connected layer (1024). Everything else follows from these.
    q_sees_label
        Code: D_img and Q share layers that have the label as constant maps. False: the shared
        layers see the image alone, D_img takes the label by projection, and Q infers which
        expression it sees.
    q_shared_layer
        Code: one more fully connected layer of 128 before Q's branches.
    d_leaky
        Paper: leaky ReLU everywhere in D_img and D_z. Code (False): ReLU in D_img's convolutions
        and in D_z.
    bn_scale
        Batch norms have γ. Code (False): β only.
    bn_track
        Move running statistics. Code (False): never, so Q cannot be used on one image; expression
        transfer needs it, so `paper` has it too.
    encoder_tanh
        Code: tanh after G_enc, the range of the prior. Not given in the paper.
    code_repeats
        How often the expression code is repeated beside g(x). Code (None): int(identity / K).
    code_everywhere
        Code: the expression code again at every layer of G_dec. False: at the first only.
    initialisation
        ``official``, or ``he``: the official fully connected layer saturates the tanh.
    code_norm
        Batch norm without parameters before that tanh: all dimensions stay alive.
    code_injection
        How G_dec's layers get the code: ``maps`` (code: constant maps before the convolution),
        ``bias`` (one bias per image, the same but at the border, and cheaper), or ``film``: every
        layer is normed, and scaled and shifted by code and identity, which learns many times
        faster.
    d_norm
        ``batch`` (paper, code), or ``spectral`` in D_img and none in Q and D_z.
    class_head
        D_img also classifies the expression.
    source_path
        decode(g, c, src) goes from the source by a warp and a residual.
    path_width
        Channels of that path at full size.
    path_sees_decoder
        The path gets G_dec's features, which know what the asked expression looks like.
    max_flow, flow_sigma
        Largest displacement as a part of the side; smoothing in cells of a quarter of the size.
        `max_flow` 0 takes the warp out.
    residual_scale, residual_init
        The linear residual times this (0 takes it out); its last weights times this at the start.
        0 makes the untrained edit the source itself, bit for bit.
    residual_limit
        Bound of the residual, by a tanh, in the images' range of 2; 0 for none. Unbounded, it grows
        behind the clamp of the image, and leaves black holes.
    projected_channels
        Channels of the feature maps that the projected discriminator gets; empty for none.
    """

    preset: Preset
    classes: tuple[str, ...]
    size: int = 128
    identity: int = 50
    elements: int = 5
    width: int = 64
    d_width: int = 16
    d_features: int = 1024
    q_sees_label: bool = True
    q_shared_layer: bool = True
    d_leaky: bool = False
    bn_scale: bool = False
    bn_track: bool = True
    encoder_tanh: bool = True
    code_repeats: int | None = None
    code_everywhere: bool = True
    initialisation: Initialisation = "official"
    code_norm: bool = False
    code_injection: CodeInjection = "maps"
    d_norm: Normalisation = "batch"
    class_head: bool = False
    source_path: bool = False
    path_width: int = 32
    path_sees_decoder: bool = True
    max_flow: float = 0.1
    flow_sigma: float = 1.0
    residual_scale: float = 0.5
    residual_init: float = 0.0
    residual_limit: float = 0.0
    projected_channels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_values(self)

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

    def to_json(self) -> dict[str, Any]:
        """Return plain values, tuples as lists."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }


def config_from_json(values: Mapping[str, Any]) -> ExprGANConfig:
    """Make a configuration from plain values.

    Raises
    ------
    UsageError
        A key is unknown or missing, or a value has the wrong type or is outside its range.
    """
    unknown = sorted(set(values) - {field.name for field in fields(ExprGANConfig)})
    if unknown:
        raise UsageError(f"ExprGAN has no setting '{unknown[0]}'")
    missing = [name for name in ("preset", "classes", "size") if name not in values]
    if missing:
        raise UsageError(f"ExprGAN's configuration lacks '{missing[0]}'")
    return make_config({}, values)


def make_config(choices: Mapping[str, Any], changes: Mapping[str, Any]) -> ExprGANConfig:
    """Make a configuration from the choices of a preset and what is changed in them.

    Raises
    ------
    UsageError
        A key is unknown, or a value is not allowed.
    """
    values = {**choices, **changes}
    known = {field.name for field in fields(ExprGANConfig)}
    for key, value in values.items():
        if key not in known:
            raise UsageError(f"ExprGAN has no setting '{key}'")
        if isinstance(value, list):
            values[key] = tuple(value)
    return ExprGANConfig(**values)
