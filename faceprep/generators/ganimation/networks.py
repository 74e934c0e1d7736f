"""The generator of AdaIN-GANimation."""

from torch import Tensor

from faceprep.generators.action_units.config import ActionUnitConfig
from faceprep.generators.action_units.labels import condition_of
from faceprep.generators.action_units.model import ActionUnitNetwork
from faceprep.generators.action_units.painting import PaintingGenerator
from faceprep.generators.base import Edited


class GANimation(ActionUnitNetwork):
    """The generator AdaIN-GANimation: mask · colour + (1 − mask) · source."""

    kind = "ganimation"
    generators = ("generator",)

    def __init__(self, config: ActionUnitConfig) -> None:
        super().__init__(config)
        self.generator = PaintingGenerator(config)

    def edit_parts(self, x: Tensor, own: Tensor, wanted: Tensor, paint: bool = True) -> Edited:
        """Edit images; see `ActionUnitNetwork.edit_parts`."""
        painting = self.generator(x, condition_of(own, wanted, self.config), x, x)
        parts = {"mask": painting.mask, "colour": painting.colour, "painted": painting.painted}
        return Edited(painting.image, parts)
