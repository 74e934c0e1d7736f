"""ExprGAN: expression editing with controllable intensity (Ding, Sricharan & Chellappa 2018).

======================  ==============================================================
`config`, `presets`     every choice of the networks by name, and its presets
`config_values`         allowed values of these choices
`networks`              G_enc, G_dec, D_z
`discriminators`        D_img with Q
`source_path`           from the source image to the edited one: warp and residual
`model`                 the networks as one generator
`codes`                 expression codes
`prior`                 distribution of new identities
`weights`, `phase`      weights of the losses, and how one phase of training runs
`schedule`              phases of the presets
`setup`, `trainer`      settings of a training, and the training itself
`batch`, `forward`      faces and random numbers of a step, and its images
`generator_losses`      losses of encoder, decoder and path
`discriminator_losses`  losses of the discriminators
`step`                  one step: images, discriminators, generator
`monitor`, `samples`    failures and samples between two steps
`memory`                estimate of the memory of a step
======================  ==============================================================
"""

from collections.abc import Mapping
from typing import Any

from faceprep.generators.exprgan.config import ExprGANConfig, config_from_json
from faceprep.generators.exprgan.model import EditParts, ExprGAN, build
from faceprep.generators.exprgan.presets import PRESETS, modern, paper, tiny
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
    parse=config_from_json,
    build=build,
    setup=setup,
    attach=_attach,
    without_neutral=frozenset({"paper"}),
)

__all__ = [
    "PRESETS",
    "SPEC",
    "EditParts",
    "ExprGAN",
    "ExprGANConfig",
    "build",
    "config_from_json",
    "modern",
    "paper",
    "tiny",
]
