"""Settings of one phase of ExprGAN's training, and the weights of its losses."""

from dataclasses import dataclass
from typing import Literal

from faceprep.generators.blocks.losses import Adversarial, FeatureNorm
from faceprep.generators.recipes import batches_per_epoch


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of the losses; 0 omits a term. Names follow `losses` if possible."""

    #: Reconstruction with the own label through the source path, and without it (the only one of
    #: models without a path).
    pixel: float = 0.0
    pixel_bottleneck: float = 0.0
    #: Face features of the reconstruction: relative or mean L1 over the layers, and distance of the
    #: embeddings.
    identity: float = 0.0
    embedding: float = 0.0
    #: Embedding distance of edits beyond the margin.
    embedding_edit: float = 0.0
    embedding_margin: float = 0.25
    #: L_Q of the generator, and of D_img with Q.
    q: float = 0.0
    q_discriminator: float = 1.0
    #: Adversarial losses of the generator: against D_img, of new faces against both discriminators
    #: of images, against D_z, and against the projected discriminator.
    adversarial: float = 0.0
    adversarial_new: float = 0.0
    adversarial_latent: float = 0.0
    adversarial_projected: float = 0.0
    #: Cross-entropy of edits by a frozen classifier on face features, and by the heads of D_img and
    #: of the projected discriminator.
    class_frozen: float = 0.0
    class_image: float = 0.0
    class_projected: float = 0.0
    wrong_label: float = 0.0  # real images with a wrong label, as third term of the discriminators
    #: Difference of an edit's identity code from the source's; of the edit edited back from the
    #: source.
    latent_cycle: float = 0.0
    image_cycle: float = 0.0
    #: Distance of edits from the source; L1 and total variation of the residual.
    closeness: float = 0.0
    residual: float = 0.0
    residual_roughness: float = 0.0
    residual_colour: float = 0.0  # L1 of the residual's colour, its difference from gray
    #: Difference of a strong edit from the same person's face with that expression, if there is
    #: one: pixels, and face features.
    paired: float = 0.0
    paired_identity: float = 0.0
    tv: float = 0.0  # L_tv of the reconstruction
    diversity: float = 0.0  # diversity of faces of different z through the bottleneck
    r1: float = 0.0  # penalty of D_img on real images

    @property
    def compares_pairs(self) -> bool:
        """Whether edits are compared with other faces of the same person."""
        return bool(self.paired or self.paired_identity)


#: Adam of the paper: learning rate and β.
LEARNING_RATE = 2e-4
BETAS = (0.5, 0.999)


@dataclass(frozen=True, kw_only=True)
class PhaseRecipe:
    """Settings of one phase; field names are part of the checkpoint format."""

    #: ``controller``, ``reconstruction``, ``refining`` or ``joint``.
    name: Literal["controller", "reconstruction", "refining", "joint"]
    #: Length, and batch size; the last incomplete batch of an epoch is dropped.
    epochs: int
    batch: int
    #: Networks updated by the optimizers of the generator and of the discriminators.
    makers: tuple[str, ...]
    judges: tuple[str, ...]
    #: Source of identities: ``noise`` U(-1, 1), or the ``encoder``.
    latent: Literal["noise", "encoder"]
    weights: Weights  # weights of the losses
    #: Whether the discriminators have adversarial losses. False: D_img has L_Q only.
    discriminate: bool = True
    feature_norm: FeatureNorm = "mean_over_hw"  # argument `norm` of `losses.identity_loss`
    adversarial: Adversarial = "non_saturating"  # form of the adversarial losses
    #: Constant settings of Adam, whose moments are reset in every phase.
    learning_rate: float = LEARNING_RATE
    learning_rate_projected: float = LEARNING_RATE
    betas: tuple[float, float] = BETAS
    steps: int | None = None  # length in steps, in place of `epochs`
    #: Whether discriminators and frozen classifier, and whether D_img, get images augmented by
    #: `training.diffaugment`. In short trainings, a small D_img does not learn with it.
    augment: bool = False
    augment_image: bool = True
    #: Draw all expressions equally often; otherwise every face once per epoch.
    even_classes: bool = False
    average: float = 0.0  # half-life of the weights' moving average in images; 0 for none
    r1_every: int = 16  # interval of the R1 penalty in steps, also its factor

    def length(self, faces: int) -> int:
        """Return the number of steps for a number of training faces.

        Raises `UsageError`: there are fewer faces than the batch size.
        """
        if self.steps is not None:
            return self.steps
        return self.epochs * batches_per_epoch(faces, self.batch)
