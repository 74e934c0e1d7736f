"""Synthesis guided by facial landmarks and an expression label (Li, Qi and Sun 2021).

=================  ================================================================
`config`           settings of the networks
`geometry`         heatmaps, mirrored points, and the warp that moves the landmarks
`layers`           initialize network, migration unit block
`decoder`          features and label to an image, or to an edit of the source
`networks`         the generator, and the networks with their discriminators
`discriminators`   PatchGANs of pairs of images
`recipe`           settings of a training and weights of its losses
`presets`          ``paper``, ``modern`` and ``tiny``
`batch`            pairs of faces of one person
`losses`, `step`   losses, and one step: generator, then discriminators
`setup`            settings of a training with its memory
`trainer`          trainer for `faceprep.training.loop`
`monitor`          detection of failures, and sample images
=================  ================================================================
"""

from faceprep.generators.landmark_gan.config import LandmarkConfig
from faceprep.generators.landmark_gan.monitor import PANELS
from faceprep.generators.landmark_gan.networks import LandmarkGAN
from faceprep.generators.landmark_gan.presets import PRESETS
from faceprep.generators.landmark_gan.setup import setup
from faceprep.generators.registry import Spec

SPEC = Spec(
    kind=LandmarkGAN.kind,
    network=LandmarkGAN,
    presets=tuple(PRESETS),
    driven_by=frozenset({"landmarks", "expression"}),
    parse=LandmarkConfig.from_json,
    setup=setup,
    panels=PANELS,
)

__all__ = ["PRESETS", "SPEC", "LandmarkConfig", "LandmarkGAN"]
