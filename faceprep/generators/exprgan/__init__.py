"""ExprGAN: expression editing with controllable intensity (Ding, Sricharan & Chellappa 2018).

======================  ==============================================================
`config`                settings of the networks, and their presets
`config_values`         allowed values of the settings
`networks`              G_enc, G_dec, D_z
`discriminators`        D_img with Q
`source_path`           warp and residual that turn the source image into the edited one
`model`                 all networks as one generator
`codes`                 expression codes
`prior`                 distribution of new identities
`phase`                 settings of a training phase, and weights of its losses
`schedule`              phases of the presets
`setup`, `trainer`      settings of a training with its memory, and its trainer
`batch`, `forward`      faces and random numbers of a step, and the forward pass
`generator_losses`      losses of encoder, decoder and path
`discriminator_losses`  losses of the discriminators
`step`                  one step: images, discriminators, generator
`monitor`               detection of failures, and sample images
======================  ==============================================================
"""

from collections.abc import Mapping
from typing import Any

from faceprep.generators.exprgan.config import (
    PRESETS,
    ExprGANConfig,
    modern,
    paper,
    tiny,
)
from faceprep.generators.exprgan.model import EditParts, ExprGAN, build
from faceprep.generators.exprgan.monitor import PANELS
from faceprep.generators.exprgan.prior import PRIOR, prior_from_json
from faceprep.generators.exprgan.setup import setup
from faceprep.generators.registry import Spec


def _attach(model: ExprGAN, extra: Mapping[str, Any]) -> None:
    if PRIOR in extra:
        model.prior = prior_from_json(extra[PRIOR], model.identity)


SPEC = Spec(
    kind=ExprGAN.kind,
    network=ExprGAN,
    presets=tuple(PRESETS),
    driven_by=frozenset({"code"}),
    parse=ExprGANConfig.from_json,
    setup=setup,
    attach=_attach,
    panels=PANELS,
    without_neutral=frozenset({"paper"}),
)

__all__ = [
    "PRESETS",
    "SPEC",
    "EditParts",
    "ExprGAN",
    "ExprGANConfig",
    "build",
    "modern",
    "paper",
    "tiny",
]
