"""ExprGAN: expression editing with controllable intensity (Ding, Sricharan & Chellappa 2018).

=============  ==============================================================
`config`       every choice by name, and the presets
`networks`     G_enc, G_dec, D_z
`judges`       D_img with Q
`path`         from the source image to the edited one: warp and residual
`model`        the networks as one generator
`recipe`       stages, epochs, weights: data for a training loop
=============  ==============================================================
"""

from faceprep.generators.exprgan.config import (
    PRESETS,
    ExprGANConfig,
    config_from_json,
    modern,
    paper,
    tiny,
)
from faceprep.generators.exprgan.model import EditParts, ExprGAN, build

__all__ = [
    "PRESETS",
    "EditParts",
    "ExprGAN",
    "ExprGANConfig",
    "build",
    "config_from_json",
    "modern",
    "paper",
    "tiny",
]
