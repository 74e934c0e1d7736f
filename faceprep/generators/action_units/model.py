"""Base class of the networks of kinds that are driven by Action Units."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from faceprep.generators.action_units.config import ActionUnitConfig
from faceprep.generators.action_units.critic import Critic
from faceprep.generators.action_units.labels import requested_labels
from faceprep.generators.base import Edited, GeneratorNetwork, Target
from faceprep.generators.blocks.projected import ProjectedDiscriminator


class ActionUnitNetwork(GeneratorNetwork, ABC):
    """Networks that edit images, with a critic; a `faceprep.generators.base.Generator`.

    Attributes
    ----------
    generators
        Names of the networks that generate images, in the order of their use.
    critic
        Critic with a head that estimates the labels.
    d_projected
        Discriminator on feature maps of a frozen network; None without `projected_channels`.
    """

    generators: ClassVar[tuple[str, ...]]
    config: ActionUnitConfig

    def __init__(self, config: ActionUnitConfig) -> None:
        super().__init__(config)
        self.critic = Critic(config)
        channels, labels = config.projected_channels, len(config.labels)
        self.d_projected = ProjectedDiscriminator(channels, labels) if channels else None

    @property
    def driven_by(self) -> frozenset[str]:
        """Fields of the target that are read."""
        by_expression = frozenset({"expression", "intensity"})
        return by_expression if self.config.by_expression else frozenset({"action_units"})

    @abstractmethod
    def edit_parts(self, x: Tensor, own: Tensor, wanted: Tensor, paint: bool = True) -> Edited:
        """Edit images towards requested labels.

        Parameters
        ----------
        x
            ``(B, 3, S, S)`` in [-1, 1].
        own, wanted
            ``(B, L)`` labels of the images, and requested labels, in [0, 1].
        paint
            Whether a kind that deforms paints over the deformed image.

        Returns
        -------
        Images with the parts ``mask``, ``colour`` and ``painted`` (what painting adds), if painted;
        ``deformed`` and ``flow`` (pixels) of kinds that deform.
        """

    def edit(self, images: Tensor, target: Target) -> Edited:
        """Edit faces towards the Action Units, or the expression, of a target."""
        own, wanted = requested_labels(target, self.config)
        return self.edit_parts(images, own, wanted)
