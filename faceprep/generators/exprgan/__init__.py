"""ExprGAN: expression editing with controllable intensity (Ding, Sricharan & Chellappa 2018).

=============  ==============================================================
`config`       every choice by name, and the presets
`networks`     G_enc, G_dec, D_z
`judges`       D_img with Q
`path`         from the source image to the edited one: warp and residual
`model`        the networks as one generator
`recipe`       phases, epochs, weights: data for a training loop
=============  ==============================================================
"""

from collections.abc import Mapping
from typing import Any

from faceprep.generators.exprgan.config import (
    PRESETS,
    ExprGANConfig,
    config_from_json,
    modern,
    paper,
    tiny,
)
from faceprep.generators.exprgan.model import EditParts, ExprGAN, build
from faceprep.generators.exprgan.prior import PRIOR, prior_from_json
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
    attach=_attach,
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
