"""Every choice of ExprGAN's networks by name, and the presets.

The paper leaves out much, and the official code differs from it in places. Each difference is a
switch here; preset `paper` follows the code, which is what was trained.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, Literal, get_args

from faceprep.core.errors import UsageError
from faceprep.generators.blocks.layers import Initialisation

Preset = Literal["paper", "modern", "tiny"]
CodeInjection = Literal["maps", "bias", "film"]
Normalisation = Literal["batch", "spectral"]

SIZES = (32, 64, 128)

_NAME = re.compile(r"[A-Za-z0-9][\w .+-]{0,63}")

#: Smallest and largest value of every number: a file from a stranger must not ask for terabytes.
_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
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


@dataclass(frozen=True, kw_only=True)
class ExprGANConfig:
    """What determines the networks' shapes and functions.

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
        layers see the image alone, D_img takes the label by projection, and Q says by itself which
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
        Code: tanh after G_enc, the range of the prior. The paper does not say.
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
        D_img also says which expression it sees.
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
        _check(self)

    @property
    def code(self) -> int:
        """Length K·d of an expression code."""
        return len(self.classes) * self.elements

    @property
    def repeats(self) -> int:
        """How often the code stands beside g(x) at the decoder's first layer."""
        return self.code_repeats or max(self.identity // len(self.classes), 1)

    @property
    def depth(self) -> int:
        """Halvings from the size to 4 pixels: 5 at 128."""
        return self.size.bit_length() - 3

    def to_json(self) -> dict[str, Any]:
        """Plain values, tuples as lists."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }


def paper(classes: Sequence[str], size: int = 128, **changes: Any) -> ExprGANConfig:
    """Give the official code's networks; at 128 with six classes its parameter counts."""
    return _make({"preset": "paper", "classes": tuple(classes), "size": size}, changes)


def modern(classes: Sequence[str], size: int = 128, **changes: Any) -> ExprGANConfig:
    """Give the same roles and codes, with a path from the source and a code that stays alive."""
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
    return _make(choices, changes)


def tiny(classes: Sequence[str], size: int = 64, **changes: Any) -> ExprGANConfig:
    """`modern` with a quarter of the channels, for two CPU cores."""
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


def config_from_json(values: Mapping[str, Any]) -> ExprGANConfig:
    """Check plain values and make the configuration that they describe.

    Raises
    ------
    UsageError
        A key is unknown or missing, or a value has the wrong type or lies outside its range.
    """
    unknown = sorted(set(values) - {field.name for field in fields(ExprGANConfig)})
    if unknown:
        raise UsageError(f"ExprGAN has no setting '{unknown[0]}'")
    missing = [name for name in ("preset", "classes", "size") if name not in values]
    if missing:
        raise UsageError(f"ExprGAN's configuration lacks '{missing[0]}'")
    return _make({}, values)


def _make(choices: Mapping[str, Any], changes: Mapping[str, Any]) -> ExprGANConfig:
    values = {**choices, **changes}
    known = {field.name for field in fields(ExprGANConfig)}
    for key, value in values.items():
        if key not in known:
            raise UsageError(f"ExprGAN has no setting '{key}'")
        if isinstance(value, list):
            values[key] = tuple(value)
    return ExprGANConfig(**values)


_ALLOWED: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "preset": get_args(Preset),
        "size": SIZES,
        "initialisation": get_args(Initialisation),
        "code_injection": get_args(CodeInjection),
        "d_norm": get_args(Normalisation),
    }
)


def _check(config: ExprGANConfig) -> None:
    for field in fields(config):
        value = getattr(config, field.name)
        if field.name in ("classes", "projected_channels"):
            _check_list(field.name, value)
        elif field.name in _ALLOWED:
            allowed = _ALLOWED[field.name]
            if not any(type(value) is type(one) and value == one for one in allowed):
                raise UsageError(
                    f"{field.name} is {_short(value)}",
                    hint=f"one of {', '.join(map(str, allowed))}",
                )
        elif field.name in _RANGES:
            _check_number(field.name, value, whole=field.type is not float)
        elif not isinstance(value, bool):
            raise UsageError(f"{field.name} is {_short(value)}, not true or false")


def _check_list(name: str, value: Any) -> None:
    if name == "classes":
        good = (
            isinstance(value, tuple)
            and 2 <= len(value) <= 64
            and all(isinstance(one, str) and _NAME.fullmatch(one) for one in value)
            and len(set(value)) == len(value)
        )
        wanted = "2 to 64 different names"
    else:
        good = (
            isinstance(value, tuple)
            and len(value) <= 16
            and all(type(one) is int and 1 <= one <= 8192 for one in value)
        )
        wanted = "at most 16 numbers from 1 to 8192"
    if not good:
        raise UsageError(f"{name} is {_short(value)}, not {wanted}")


def _check_number(name: str, value: Any, whole: bool) -> None:
    if name == "code_repeats" and value is None:
        return
    low, high = _RANGES[name]
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise UsageError(f"{name} is {_short(value)}, not {kind} from {low:g} to {high:g}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
