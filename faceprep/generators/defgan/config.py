"""Configuration of DefGAN's networks."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from faceprep.generators.action_units.config import ActionUnitConfig

Grid = Literal["integral", "residual"]
Head = Literal["bilinear", "refined"]


@dataclass(frozen=True, kw_only=True)
class DefGANConfig(ActionUnitConfig):
    """Settings of the networks."""

    title = "DefGAN"
    #: ``integral``: distances between neighbouring samples are predicted and summed, as in
    #: deforming autoencoders, so that rows and columns never fold. ``residual``: displacements are
    #: predicted.
    grid: Grid = "integral"
    #: ``bilinear``: the deformation is predicted at a quarter of the size and enlarged (the paper's
    #: text). ``refined``: the features are enlarged twice, with a convolution after each.
    deformation_head: Head = "bilinear"
    #: Largest displacement, pixels at a size of 128. In ``integral``, half of it is the largest
    #: distance between neighbouring samples, in pixels at any size.
    max_offset: float = 5.0
    flow_sigma: float = 1.0  # smoothing of ``residual``, cells of a quarter of the size; 0: none

    @classmethod
    def allowed(cls) -> dict[str, tuple[Any, ...]]:
        """Return the allowed values of the fields that have a choice."""
        choices = {"grid": get_args(Grid), "deformation_head": get_args(Head)}
        return {**super().allowed(), **choices}

    @classmethod
    def ranges(cls) -> dict[str, tuple[float, float]]:
        """Return the smallest and the largest value of the numbers."""
        return {**super().ranges(), "max_offset": (2.5, 32.0), "flow_sigma": (0.0, 8.0)}
