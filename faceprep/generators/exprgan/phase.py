"""Settings of one phase of ExprGAN's training, and the weights of its losses."""

from dataclasses import dataclass
from typing import Literal

from faceprep.core.errors import UsageError
from faceprep.generators.blocks.losses import Adversarial, FeatureNorm


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of the losses; 0 omits a term. Names follow `losses` if possible.

    Attributes
    ----------
    pixel, pixel_bottleneck
        Reconstruction with the own label through the source path, and without it (the only one of
        models without a path).
    identity, embedding
        Face features of the reconstruction: relative or mean L1 over the layers, and distance of
        the embeddings.
    embedding_edit, embedding_margin
        Embedding distance of edits beyond the margin.
    q, q_discriminator
        L_Q of the generator, and of D_img with Q.
    adversarial, adversarial_latent, adversarial_projected
        Adversarial losses of the generator against D_img, D_z and the projected discriminator.
    adversarial_new
        Adversarial loss of new faces against both discriminators of images.
    class_frozen, class_image, class_projected
        Cross-entropy of edits by a frozen classifier on face features, and by the heads of D_img
        and of the projected discriminator.
    wrong_label
        Real images with a wrong label, as third term of the discriminators.
    latent_cycle, image_cycle
        Difference of an edit's identity code from the source's; of the edit edited back from the
        source.
    closeness, residual, residual_roughness
        Distance of edits from the source; L1 and total variation of the residual.
    residual_colour
        L1 of the residual's colour, its difference from gray.
    paired, paired_identity
        Difference of a strong edit from the same person's face with that expression, if there is
        one: pixels, and face features.
    tv
        L_tv of the reconstruction.
    diversity
        Diversity of faces of different z through the bottleneck.
    r1
        Penalty of D_img on real images.
    """

    pixel: float = 0.0
    pixel_bottleneck: float = 0.0
    identity: float = 0.0
    embedding: float = 0.0
    embedding_edit: float = 0.0
    embedding_margin: float = 0.25
    q: float = 0.0
    q_discriminator: float = 1.0
    adversarial: float = 0.0
    adversarial_new: float = 0.0
    adversarial_latent: float = 0.0
    adversarial_projected: float = 0.0
    class_frozen: float = 0.0
    class_image: float = 0.0
    class_projected: float = 0.0
    wrong_label: float = 0.0
    latent_cycle: float = 0.0
    image_cycle: float = 0.0
    closeness: float = 0.0
    residual: float = 0.0
    residual_roughness: float = 0.0
    residual_colour: float = 0.0
    paired: float = 0.0
    paired_identity: float = 0.0
    tv: float = 0.0
    diversity: float = 0.0
    r1: float = 0.0

    @property
    def compares_pairs(self) -> bool:
        """Whether edits are compared with other faces of the same person."""
        return bool(self.paired or self.paired_identity)


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
