"""AdaIN-GANimation: expressions by Action Units, painted with a mask.

GANimation (Pumarola et al. 2018) with the labels by adaptive instance norm in the residual blocks
in place of constant maps beside the image. What it shares with other kinds that are driven by
Action Units is in `faceprep.generators.action_units`.

==========  ===================================
`networks`  the generator
`presets`   ``paper``, ``modern`` and ``tiny``
==========  ===================================
"""

from faceprep.generators.action_units.config import ActionUnitConfig
from faceprep.generators.action_units.monitor import PANELS
from faceprep.generators.action_units.setup import setup_factory
from faceprep.generators.ganimation.networks import GANimation
from faceprep.generators.ganimation.presets import PRESETS
from faceprep.generators.registry import Spec

SPEC = Spec(
    kind=GANimation.kind,
    network=GANimation,
    presets=tuple(PRESETS),
    driven_by=frozenset({"action_units"}),
    parse=ActionUnitConfig.from_json,
    setup=setup_factory(GANimation, ActionUnitConfig, PRESETS),
    panels=PANELS,
)

__all__ = ["PRESETS", "SPEC", "GANimation"]
