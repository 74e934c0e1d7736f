"""DefGAN: expressions by Action Units; the face is deformed first, then painted.

What it shares with other kinds that are driven by Action Units is in
`faceprep.generators.action_units`.

============  ==========================================
`config`      settings of the networks
`grid`        the deformation as a grid of displacements
`networks`    deformation and texture generator
`presets`     ``paper``, ``modern`` and ``tiny``
============  ==========================================
"""

from faceprep.generators.action_units.monitor import PANELS
from faceprep.generators.action_units.setup import setup_factory
from faceprep.generators.defgan.config import DefGANConfig
from faceprep.generators.defgan.networks import DefGAN
from faceprep.generators.defgan.presets import PRESETS
from faceprep.generators.registry import Spec

SPEC = Spec(
    kind=DefGAN.kind,
    network=DefGAN,
    presets=tuple(PRESETS),
    driven_by=frozenset({"action_units"}),
    parse=DefGANConfig.from_json,
    setup=setup_factory(DefGAN, DefGANConfig, PRESETS),
    panels=PANELS,
)

__all__ = ["PRESETS", "SPEC", "DefGAN", "DefGANConfig"]
