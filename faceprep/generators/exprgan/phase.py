"""Settings of one phase of ExprGAN's training."""

from dataclasses import dataclass
from typing import Literal

from faceprep.core.errors import UsageError
from faceprep.generators.blocks.losses import Adversarial, FeatureNorm
from faceprep.generators.exprgan.weights import Weights

#: Adam of the paper: learning rate and β.
LEARNING_RATE = 2e-4
BETAS = (0.5, 0.999)


@dataclass(frozen=True, kw_only=True)
class PhaseRecipe:
    """Settings of one phase; field names are part of the checkpoint format.

    Attributes
    ----------
    name
        ``controller``, ``reconstruction``, ``refining`` or ``joint``.
    epochs, batch
        Length, and batch size; the last incomplete batch of an epoch is dropped.
    makers, judges
        Networks updated by the optimizers of the generator and of the discriminators.
    discriminate
        Whether the discriminators have adversarial losses. False: D_img has L_Q only.
    latent
        Source of identities: ``noise`` U(-1, 1), or the ``encoder``.
    weights
        Weights of the losses.
    feature_norm
        Argument `norm` of `losses.identity_loss`.
    adversarial
        Form of the adversarial losses.
    learning_rate, learning_rate_projected, betas
        Constant settings of Adam, whose moments are reset in every phase.
    steps
        Length in steps, in place of `epochs`.
    augment, augment_image
        Whether discriminators and frozen classifier, and whether D_img, get images augmented by
        `training.diffaugment`. In short trainings, a small D_img does not learn with it.
    even_classes
        Draw all expressions equally often; otherwise every face once per epoch.
    average
        Half-life of the weights' moving average in images; 0 for none.
    r1_every
        Interval of the R1 penalty in steps, also its factor.
    """

    name: Literal["controller", "reconstruction", "refining", "joint"]
    epochs: int
    batch: int
    makers: tuple[str, ...]
    judges: tuple[str, ...]
    latent: Literal["noise", "encoder"]
    weights: Weights
    discriminate: bool = True
    feature_norm: FeatureNorm = "mean_over_hw"
    adversarial: Adversarial = "non_saturating"
    learning_rate: float = LEARNING_RATE
    learning_rate_projected: float = LEARNING_RATE
    betas: tuple[float, float] = BETAS
    steps: int | None = None
    augment: bool = False
    augment_image: bool = True
    even_classes: bool = False
    average: float = 0.0
    r1_every: int = 16

    def length(self, faces: int) -> int:
        """Return the number of steps for a number of training faces.

        Raises
        ------
        UsageError
            There are fewer faces than the batch size.
        """
        if self.steps is not None:
            return self.steps
        if faces < self.batch:
            raise UsageError(
                f"{faces} training faces do not fill a batch of {self.batch}",
                "--set train.batch=" + str(max(faces // 2, 2)),
            )
        return self.epochs * (faces // self.batch)
