"""Configuration of the networks guided by landmarks and label."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

from faceprep.generators.base import NetworkConfig
from faceprep.generators.config_values import SIZES, check_values

Heatmaps = Literal["points", "single"]
Norm = Literal["batch", "group"]
Upsampling = Literal["transposed", "nearest"]
LabelInput = Literal["maps", "film"]
Output = Literal["image", "edit"]

_ALLOWED: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "preset": ("paper", "modern", "tiny"),
        "size": SIZES,
        "heatmaps": get_args(Heatmaps),
        "norm": get_args(Norm),
        "upsampling": get_args(Upsampling),
        "label_input": get_args(LabelInput),
        "output": get_args(Output),
    }
)

#: Smallest and largest value of every number, so that an untrusted file cannot exhaust memory.
_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "width": (4, 256),
        "blocks": (0, 32),
        "dropout": (0.0, 0.9),
        "sigma": (0.5, 16.0),
        "max_flow": (0.0, 0.2),
        "residual_limit": (0.01, 2.0),
        "residual_gain": (0.0, 10.0),
        "d_width": (2, 256),
    }
)

#: Channels of ``heatmaps``: one per point, or their maximum.
_CHANNELS = {"points": 68, "single": 1}


@dataclass(frozen=True, kw_only=True)
class LandmarkConfig(NetworkConfig):
    """Settings of the networks; the defaults are those of the paper."""

    title = "the landmark GAN"
    size: int = 128  # 32, 64 or 128
    heatmaps: Heatmaps = "points"  # 68 heatmaps, or their maximum
    #: Whether the geometry network also gets the heatmaps of the source. The paper names the
    #: landmarks of the target only; PATN, whose blocks it uses, has both.
    source_heatmaps: bool = True
    sigma: float = 2.0  # of the heatmaps, pixels at a size of 128
    width: int = 64  # channels after the first convolution, a quarter of those of the blocks
    blocks: int = 9  # number of migration unit blocks; the paper gives none, PATN has 9
    dropout: float = 0.5  # in the blocks, during training
    norm: Norm = "batch"
    upsampling: Upsampling = "transposed"
    initialize: bool = True  # False: one convolution of 4×4, stride 4 (Table 7 of the paper)
    label: bool = True  # False: the decoder does not get the label (Table 7 of the paper)
    #: ``maps``: the label is appended as constant maps of -1 and 1. ``film``: it scales and shifts
    #: the norms of the decoder.
    label_input: LabelInput = "maps"
    skips: bool = False  # the decoder also gets the features of the initialize network
    #: ``image``: the decoder paints the whole image. ``edit``: it adds a bounded residual to the
    #: source, which is warped so that its landmarks move to those of the target.
    output: Output = "image"
    max_flow: float = 0.03  # bound of a learned flow added to that warp, in sides; 0: none
    residual_limit: float = 0.8  # bound of the residual, in the images' range of 2
    residual_gain: float = 1.0  # factor of its last layer, whose weights start at 0
    d_width: int = 64  # channels after the discriminators' first convolution
    #: Whether the discriminators end with a batch norm (Table 3 of the paper). It makes the mean
    #: logit of a batch of only real or only generated images constant, so that both are judged in
    #: one batch then.
    d_output_norm: bool = False

    def __post_init__(self) -> None:
        check_values(self, _ALLOWED, _RANGES)

    @property
    def maps(self) -> int:
        """Number of heatmaps of a face."""
        return _CHANNELS[self.heatmaps]

    @property
    def edits(self) -> bool:
        """Whether the output is an edit of the source."""
        return self.output == "edit"

    @property
    def has_skips(self) -> bool:
        """Whether there are features for skips: the ablation of the initialize network has none."""
        return self.skips and self.initialize

    @property
    def label_maps(self) -> int:
        """Number of constant maps at the start of the decoder."""
        return len(self.classes) if self.label and self.label_input == "maps" else 0

    @property
    def modulated(self) -> bool:
        """Whether the label modulates the norms of the decoder."""
        return self.label and self.label_input == "film"
