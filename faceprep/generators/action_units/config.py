"""Configuration of the networks of a kind driven by Action Units."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

from faceprep.core.errors import UsageError
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.generators.base import NetworkConfig
from faceprep.generators.config_values import SIZES, check_values

Condition = Literal["target", "change", "both"]
Conditioning = Literal["adain", "concat"]
Upsampling = Literal["transposed", "nearest"]
Colour = Literal["image", "residual"]

#: Value of ``train.networks.labels`` that makes the expressions the labels.
BY_EXPRESSION = "expressions"

_ALLOWED: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "preset": ("paper", "modern", "tiny"),
        "size": SIZES,
        "condition": get_args(Condition),
        "conditioning": get_args(Conditioning),
        "upsampling": get_args(Upsampling),
        "colour": get_args(Colour),
        "stem_norm": (True, False, None),
    }
)

#: Smallest and largest value of every number, so that an untrusted file cannot exhaust memory.
_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "width": (4, 256),
        "blocks": (0, 32),
        "embedding": (1, 1024),
        "condition_gain": (0.1, 100.0),
        "modulation_start": (0.0, 1.0),
        "residual_limit": (0.0, 2.0),
        "residual_gain": (0.0, 10.0),
        "mask_start": (-8.0, 8.0),
        "d_width": (2, 256),
    }
)


@dataclass(frozen=True, kw_only=True)
class ActionUnitConfig(NetworkConfig):
    """Settings of the networks; subclasses add those of their kind."""

    size: int = 128  # 32, 64 or 128
    #: Labels that drive the networks: names of Action Units, or the classes.
    labels: tuple[str, ...] = INTENSITY_AUS
    #: Input of the networks: the requested labels (papers), their difference from the labels of the
    #: source, or both.
    condition: Condition = "target"
    #: ``adain``: the labels scale and shift the normalised features of the residual blocks.
    #: ``concat``: they are appended to the image as constant maps (GANimation).
    conditioning: Conditioning = "adain"
    #: Factor of the condition. Intensities divided by 5 have standard deviations of 0.02 to 0.2.
    condition_gain: float = 1.0
    #: Instance norm after the first convolution. None: with ``adain`` only, because the norm would
    #: remove constant maps except at the border.
    stem_norm: bool | None = None
    #: The upsampling also gets the features of the encoder and the labels (papers: it does not).
    skips: bool = False
    width: int = 64  # channels after the first convolution, a quarter of those of the blocks
    blocks: int = 6  # number of residual blocks
    embedding: int = 64  # length of the embedding of the labels
    #: Standard deviation of the initial weights from the embedding to scales and shifts. 0: labels
    #: have no effect before the first step, from where few steps hardly leave the copy.
    modulation_start: float = 0.0
    #: ``transposed`` convolutions (papers), or ``nearest`` neighbours and a convolution.
    upsampling: Upsampling = "transposed"
    #: ``image``: the colour is an image of its own (papers). ``residual``: it is the source plus a
    #: bounded difference.
    colour: Colour = "image"
    residual_limit: float = 0.8  # bound of that difference, in the images' range of 2
    #: Factor of its last layer, whose weights start at 0, so that the untrained edit is the source.
    #: Steps of the optimizer with a large factor overshoot, and the way back stops all features.
    residual_gain: float = 0.1
    mask_start: float = 0.0  # initial mask before the sigmoid
    d_width: int = 64  # channels after the critic's first convolution
    #: Channels of the inputs of the projected discriminator; empty for none.
    projected_channels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_values(self, self.allowed(), self.ranges())
        if self.skips and (self.conditioning, self.upsampling) != ("adain", "nearest"):
            raise UsageError(
                "skips need conditioning adain and upsampling nearest",
                "set train.networks.skips=false",
            )
        units = set(self.labels) <= set(INTENSITY_AUS)
        if not units and self.labels != self.classes:
            unknown = next(name for name in self.labels if name not in INTENSITY_AUS)
            raise UsageError(
                f"labels has {unknown!r}",
                f"'{BY_EXPRESSION}', or a list of {', '.join(INTENSITY_AUS)}",
            )
        if not units and self.condition != "target":
            raise UsageError(
                f"condition is {self.condition}: the expression of a source is not known",
                "set train.networks.condition=target",
            )

    @classmethod
    def allowed(cls) -> dict[str, tuple[Any, ...]]:
        """Return the allowed values of the fields that have a choice."""
        return dict(_ALLOWED)

    @classmethod
    def ranges(cls) -> dict[str, tuple[float, float]]:
        """Return the smallest and the largest value of the numbers."""
        return dict(_RANGES)

    @property
    def by_expression(self) -> bool:
        """Whether expressions drive the networks, in place of Action Units."""
        return self.labels == self.classes

    @property
    def condition_length(self) -> int:
        """Length of the condition: number of labels, twice that for ``both``."""
        return len(self.labels) * (2 if self.condition == "both" else 1)

    @property
    def normalises_stem(self) -> bool:
        """Whether the first convolution is followed by a norm."""
        return self.conditioning == "adain" if self.stem_norm is None else self.stem_norm


def resolve(
    config: type[ActionUnitConfig],
    preset: Mapping[str, Any],
    classes: tuple[str, ...],
    changes: Mapping[str, Any],
) -> ActionUnitConfig:
    """Build a configuration from a preset and the settings of ``train.networks``.

    Raises
    ------
    UsageError
        A setting is unknown or invalid.
    """
    values = {**preset, "classes": classes, **changes}
    if values.get("labels") == BY_EXPRESSION:
        values["labels"] = classes
        if "condition" not in changes:
            values["condition"] = "target"
    return config.from_json(values)
