"""Settings of a training by Action Units, and the weights of its losses."""

from dataclasses import dataclass
from typing import Literal

from faceprep.generators.blocks.losses import Adversarial
from faceprep.generators.recipes import batches_per_epoch

MaskPenalty = Literal["copy", "edit", "band"]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of the losses; 0 omits a term. Labels are in [0, 1], images in [-1, 1]."""

    #: Adversarial losses of the generator, against the critic and the projected discriminator.
    adversarial: float = 0.0
    adversarial_projected: float = 0.0
    #: Mean squared error between requested and read labels of edits: read by the critic, by the
    #: projected discriminator, and by a frozen linear map of face features.
    label_critic: float = 0.0
    label_projected: float = 0.0
    label_frozen: float = 0.0
    #: The same of the deformed image, before it is painted over, for kinds that deform.
    label_deformed: float = 0.0
    #: Mean squared error of the critic's labels of real faces.
    label_real: float = 0.0
    cycle: float = 0.0  # difference of the edit edited back from the source
    #: Difference of an edit from the known result: another face of the same person, or the source
    #: itself if its own labels are requested. Mean square of the pixels, and face features. The
    #: mean absolute difference would be smallest for a copy, where light and pose differ as well.
    known: float = 0.0
    known_features: float = 0.0
    known_deformed: float = 0.0  # mean square of the pixels of the deformed image
    embedding: float = 0.0  # embedding distance of edits from the source beyond the margin
    embedding_margin: float = 0.25
    cosine_deformed: float = 0.0  # 1 − cos of the embeddings of deformed image and source
    #: Penalty of the mask (`Recipe.mask_penalty`), and its total variation.
    mask: float = 0.0
    mask_roughness: float = 0.0
    #: L1, total variation and L1 of the colour of what is painted: mask · (colour − base).
    painted: float = 0.0
    painted_roughness: float = 0.0
    painted_colour: float = 0.0
    #: Displacements, in the image's range of 2: L1, total variation, and L1 of forth and back.
    flow: float = 0.0
    flow_roughness: float = 0.0
    flow_cycle: float = 0.0
    wgan_penalty: float = 0.0  # gradient penalty of the critic
    r1: float = 0.0  # penalty of the critic on real images, every `Recipe.r1_every` steps


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of a training; field names are part of the checkpoint format."""

    weights: Weights
    epochs: int | None = None  # length in epochs
    steps: int | None = None  # length in steps, in place of `epochs`
    batch: int = 16
    adversarial: Adversarial = "non_saturating"  # form of the critic's losses
    critic_steps: int = 1  # steps of the critic for one of the generator
    #: Settings of Adam; the rate falls linearly to 0 over the last `decay` share of the steps.
    learning_rate: float = 1e-4
    learning_rate_projected: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.999)
    decay: float = 0.0
    #: Shares of a batch by request: the face's own labels, those of another face of the person, or
    #: some labels changed at random; the rest are labels of another training face. Steps without a
    #: loss that judges the last two have the first two only.
    share_own: float = 0.0
    share_pair: float = 0.0
    share_single: float = 0.0
    noise: float = 0.0  # largest noise added to labels of another face
    #: Labels of another face are approached by a random part of the way only.
    partial: bool = False
    #: ``copy``: mean of 1 − mask, against edits that copy the source (official code of GANimation).
    #: ``edit``: mean of the mask. ``band``: excess of an image's mean mask beyond 0.1 … 0.5.
    mask_penalty: MaskPenalty = "copy"
    share_cycle: float = 1.0  # share of a batch that is edited back
    #: Share of the first steps in which a kind that deforms does not paint.
    only_deform: float = 0.0
    vary: bool = False  # vary sources and known results, see `training.variation`
    #: Whether projected discriminator and frozen labels get images augmented by
    #: `training.diffaugment`.
    augment: bool = False
    #: Largest mean square difference of a known result from its source. Faces of one person in
    #: other light or at another age differ more, as do two people. The median of frames of the
    #: demo's sequences is 0.002, of photographs from the web 0.07, of two people 0.09.
    known_limit: float = 0.02
    even_classes: bool = False  # draw all expressions equally often
    average: float = 0.0  # half-life of the weights' moving average in images; 0 for none
    r1_every: int = 16  # interval of the R1 penalty in steps, also its factor
    #: Interval in steps of the losses that read face features, also their factor. The features cost
    #: more than everything else.
    features_every: int = 1

    def reads_features(self, step: int) -> bool:
        """Return whether a step has losses that read face features."""
        return needs_features(self.weights) and step % self.features_every == 0

    def reads_labels(self, step: int) -> bool:
        """Return whether a step has losses of edits without a known result."""
        weights = self.weights
        critic = weights.adversarial or weights.label_critic or weights.cycle
        return bool(critic) or self.reads_features(step)

    def factors(self) -> dict[str, float]:
        """Return the factor of every loss of the generator: its weight and its interval."""
        return {
            name: weight * (self.features_every if name in _ON_FEATURES else 1)
            for name, weight in vars(self.weights).items()
        }

    def length(self, faces: int) -> int:
        """Return the number of steps for a number of training faces; UsageError if too few."""
        if self.steps is not None:
            return self.steps
        return (self.epochs or 1) * batches_per_epoch(faces, self.batch)


#: Losses that read face features.
_ON_FEATURES = (
    "adversarial_projected",
    "label_projected",
    "label_frozen",
    "label_deformed",
    "known_features",
    "embedding",
    "cosine_deformed",
)


def needs_features(weights: Weights) -> bool:
    """Return whether any loss reads face features."""
    return any(getattr(weights, name) for name in _ON_FEATURES)
