"""Settings of a training by landmarks, and the weights of its losses."""

from dataclasses import dataclass

from faceprep.generators.blocks.losses import Adversarial
from faceprep.generators.recipes import batches_per_epoch


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of the losses; 0 omits a term. Images are in [-1, 1]."""

    adversarial: float = 0.0  # mean of the losses against both discriminators (eq. 4)
    pixel: float = 0.0  # mean absolute difference from the true target (eq. 5)
    #: The same squared. Where the light differs from the target's too, the absolute difference is
    #: smallest for a copy.
    squared: float = 0.0
    #: Squared difference of the gradients of the images, at full, half and quarter size.
    edges: float = 0.0
    perceptual: float = 0.0  # difference of face features from those of the true target (eq. 6)
    embedding: float = 0.0  # distance of the face embedding from that of the source
    embedding_margin: float = 0.25  # tolerated distance
    residual: float = 0.0  # L1 and total variation of the residual of an edit
    residual_roughness: float = 0.0
    flow_roughness: float = 0.0  # total variation of its flow, in the images' range of 2
    r1: float = 0.0  # penalty of both discriminators, every `Recipe.r1_every` steps


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of a training; field names are part of the checkpoint format."""

    weights: Weights
    epochs: int | None = None  # length in epochs
    steps: int | None = None  # length in steps, in place of `epochs`
    batch: int = 16
    adversarial: Adversarial = "non_saturating"  # form of the losses of the discriminators
    #: Settings of Adam; the rate falls linearly to 0 over the last `decay` share of the steps.
    learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    decay: float = 0.0
    #: Shares of a batch by target: the source itself, and another expression of the same sequence
    #: (pose and light are equal there). The rest, and faces without such a target, get a face of
    #: the same person with a random expression.
    share_own: float = 0.0
    share_sequence: float = 0.0
    #: Weight of pixels at brows, eyes, nose and mouth in `squared` and `edges`, relative to those
    #: far from them: hair and clothes move with the head, which landmarks of the face do not tell.
    focus: float = 1.0
    #: Share of a batch whose face features are compared, and number of their first layers; 0: all.
    share_features: float = 1.0
    feature_layers: int = 0
    #: Whether the discriminators get pairs augmented by `training.diffaugment`.
    augment: bool = False
    even_classes: bool = False  # draw all expressions equally often
    average: float = 0.0  # half-life of the weights' moving average in images; 0 for none
    r1_every: int = 16  # interval of the R1 penalty in steps, also its factor

    def length(self, faces: int) -> int:
        """Return the number of steps for a number of training faces; UsageError if too few."""
        if self.steps is not None:
            return self.steps
        return (self.epochs or 1) * batches_per_epoch(faces, self.batch)

    def compared(self, batch: int) -> int:
        """Return the number of faces of a batch whose features are compared."""
        return max(round(batch * self.share_features), 1)


def needs_features(weights: Weights) -> bool:
    """Return whether any loss reads face features."""
    return bool(weights.perceptual or weights.embedding)
