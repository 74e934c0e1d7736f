"""How ExprGAN is trained, as data: stages, epochs, batches, weights of the losses.

A training loop reads this; nothing here runs. `paper_stages` has the paper's three stages with
every difference between paper and official code as an argument; `modern_stages` has one joint
stage with the weights of the project's trial on photographs.

Two things of the official code are mistakes and are not offered: it seeds the shuffling with the
same number every epoch, which repeats the noise and the flips as well, so that the controller only
ever sees 1260 vectors z; and it stretches every image's contrast to the full range by accident of
its resize function.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from faceprep.core.errors import UsageError
from faceprep.generators.blocks.losses import Adversarial, FeatureNorm

#: Adam of the paper: learning rate and β.
LEARNING_RATE = 2e-4
BETAS = (0.5, 0.999)

#: Steps of the presets with one joint stage.
STEPS = {"modern": 30_000, "tiny": 900}

#: The paper's stages have these parts of all steps: 4200, 1350 and 1350 in the official code.
_PAPER_SHARES = (4200 / 6900, 1350 / 6900)


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of the losses; 0 leaves a term out. Names are those of `losses` where they exist.

    Attributes
    ----------
    pixel, pixel_bottleneck
        Reconstruction with the own label: through `decode` with the source, and without it (the
        only one that a model without a path has).
    identity, embedding
        Face features of the reconstruction: relative or mean L1 over the layers, and distance of
        the embeddings.
    embedding_edit, embedding_margin
        Embedding distance of edits beyond the margin.
    q, q_discriminator
        L_Q for the makers, and for D_img with Q.
    adversarial, adversarial_latent, adversarial_projected
        What the makers pay to D_img, D_z and the projected discriminator.
    adversarial_new
        The same to both discriminators of images for faces of identities drawn from the prior.
    class_frozen, class_image, class_projected
        Cross-entropy of edits: by a frozen classifier on face features, by the heads of D_img and
        of the projected discriminator.
    wrong_label
        Real images with another label as a third term of the discriminators.
    latent_cycle, image_cycle
        Identity code of an edit against the source's; the edit edited back against the source.
    closeness, residual, residual_roughness
        Edits stay near the source; L1 and total variation of the residual.
    residual_colour
        L1 of the residual's colour: what it has beyond its gray level.
    paired, paired_identity
        A strong edit against the same person's face with that expression, where the training faces
        have one: pixels, and face features.
    tv
        L_tv of the reconstruction.
    diversity
        Different z give different faces, through the bottleneck.
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


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of training.

    Attributes
    ----------
    name
        ``controller``, ``reconstruction``, ``refining`` or ``joint``.
    epochs, batch
        Length; the last incomplete batch of an epoch is dropped.
    makers, judges
        Attributes of `ExprGAN` that the makers' optimizer and the judges' optimizers update.
    discriminate
        The judges pay for taking real for fake. False: D_img pays L_Q only.
    latent
        Where identities come from: ``noise`` U(-1, 1), or the ``encoder``.
    weights
        Of the losses.
    feature_norm
        `norm` of `losses.identity_loss`.
    adversarial
        Form of the adversarial losses.
    learning_rate, learning_rate_projected, betas
        Adam, constant; its moments start anew in every stage.
    steps
        Length in steps, in place of `epochs`.
    augment, augment_image
        Discriminators, and the frozen classifier, see images through `training.diffaugment`; so
        does D_img. In short trainings a small D_img learns nothing through it.
    even_classes
        A batch has all expressions equally often; otherwise every face once an epoch.
    average
        Half-life of the weights' moving average in images; 0 for none.
    r1_every
        Steps from one R1 penalty to the next, which weighs that many times as much.
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
        """Steps with so many training faces.

        Raises
        ------
        UsageError
            When there are fewer faces than a batch takes.
        """
        if self.steps is not None:
            return self.steps
        if faces < self.batch:
            raise UsageError(
                f"{faces} training faces do not fill a batch of {self.batch}",
                "--set train.batch=" + str(max(faces // 2, 2)),
            )
        return self.epochs * (faces // self.batch)


def stages(
    preset: str,
    *,
    steps: int | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    weights: Mapping[str, float] | None = None,
    switches: Mapping[str, Any] | None = None,
) -> tuple[Stage, ...]:
    """The stages of a preset, with what is given in place of its own.

    Parameters
    ----------
    preset
        ``paper``, ``modern`` or ``tiny``.
    steps, epochs
        Of all stages together; one of the two.
    batch, learning_rate
        In every stage.
    weights
        Of losses by name, in every stage.
    switches
        Arguments of `paper_stages` (preset ``paper``), and fields of `Stage`, in every stage.

    Raises
    ------
    UsageError
        There is no such weight or switch.
    """
    own, switches = {}, dict(switches or {})
    if preset == "paper":
        names = ("vgg_norm", "judges_in_reconstruction", "q_in_reconstruction")
        own = {name: switches.pop(name) for name in names if name in switches}
    _check_names("loss", weights or {}, Weights)
    _check_names("switch of the training", switches, Stage)
    changes: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in switches.items()
    }
    changes |= {"batch": batch} if batch else {}
    changes |= {"learning_rate": learning_rate} if learning_rate else {}
    found: tuple[Stage, ...] = (
        paper_stages(**own) if preset == "paper" else modern_stages(1, tiny=preset == "tiny")
    )
    lengths = _lengths(preset, steps, epochs, found)
    return tuple(
        replace(
            stage, **{**length, **changes, "weights": replace(stage.weights, **(weights or {}))}
        )
        for stage, length in zip(found, lengths, strict=True)
    )


def _lengths(
    preset: str, steps: int | None, epochs: int | None, found: tuple[Stage, ...]
) -> list[dict[str, Any]]:
    if preset != "paper":
        return [{"epochs": epochs}] if epochs else [{"steps": steps or STEPS[preset]}]
    if steps:
        first, second = (max(round(share * steps), 1) for share in _PAPER_SHARES)
        return [{"steps": n} for n in (first, second, max(steps - first - second, 1))]
    if epochs:
        total = sum(stage.epochs for stage in found)
        return [{"epochs": max(round(stage.epochs / total * epochs), 1)} for stage in found]
    return [{} for _ in found]


def _check_names(what: str, given: Mapping[str, Any], where: type) -> None:
    known = {field.name for field in fields(where)} - {"name", "weights", "epochs", "steps"}
    unknown = sorted(set(given) - known)
    if unknown:
        raise UsageError(
            f"no {what} is called '{unknown[0]}'", f"one of {', '.join(sorted(known))}"
        )


def paper_stages(
    *,
    epochs: tuple[int, int, int] = (200, 50, 50),
    batches: tuple[int, int, int] = (60, 48, 48),
    vgg_norm: FeatureNorm = "mean_over_hw",
    judges_in_reconstruction: bool = True,
    q_in_reconstruction: float = 1.0,
) -> tuple[Stage, Stage, Stage]:
    """Controller, reconstruction, refining (paper, section "Incremental Training").

    Parameters
    ----------
    epochs
        Of the official code; the paper gives none.
    batches
        Code: 60 in the controller stage. Paper: 48 throughout.
    vgg_norm
        Code: ``mean_over_hw``, which makes L_id nearly vanish. ``mean`` is what the paper's
        formula reads like, and what makes faces sharper.
    judges_in_reconstruction
        Code: D_img, Q and D_z learn in the second stage too, though G pays nothing to D_img and
        D_z there. Paper (False): only Q beside G_enc and G_dec; as Q shares D_img's layers, D_img
        is updated by L_Q alone.
    q_in_reconstruction
        Weight of L_Q in the second stage. Code: 1. Paper: "decreased", without a number.
    """
    controller = Stage(
        name="controller",
        epochs=epochs[0],
        batch=batches[0],
        makers=("decoder",),
        judges=("d_image",),
        latent="noise",
        weights=Weights(adversarial=1, q=1),
        feature_norm=vgg_norm,
    )
    reconstruction = Stage(
        name="reconstruction",
        epochs=epochs[1],
        batch=batches[1],
        makers=("encoder", "decoder"),
        judges=("d_image", "d_latent") if judges_in_reconstruction else ("d_image",),
        discriminate=judges_in_reconstruction,
        latent="encoder",
        weights=Weights(pixel=1, identity=1, q=q_in_reconstruction),
        feature_norm=vgg_norm,
    )
    refining = Stage(
        name="refining",
        epochs=epochs[2],
        batch=batches[2],
        makers=("encoder", "decoder"),
        judges=("d_image", "d_latent"),
        latent="encoder",
        weights=Weights(
            pixel=1, identity=1, q=1, adversarial=0.01, adversarial_latent=0.01, tv=0.001
        ),
        feature_norm=vgg_norm,
    )
    return controller, reconstruction, refining


def modern_stages(epochs: int, batch: int = 16, tiny: bool = False) -> tuple[Stage]:
    """One joint stage: reconstruction with the own label, edits with another, new identities.

    Weights began as those of the trial (64 pixels, 1 044 photographs, batch 16, Adam 5e-4); new are
    what the trial asked for, other faces of the same person and a price on colours, and
    `embedding_edit`, `residual` and `pixel_bottleneck`, which were raised on photographs. The drawn
    people of `tiny` bear stronger edits. Codes of edits are `codes.edit_magnitudes`, classes
    sampled evenly, the class losses weighted by the strength r.
    """
    weights = Weights(
        pixel=10,
        pixel_bottleneck=10,
        identity=2,
        embedding=2,
        embedding_edit=2 if tiny else 5,
        q=0.3,
        adversarial=0.1,
        adversarial_latent=0.1,
        adversarial_projected=1,
        class_frozen=1 if tiny else 0.5,
        class_image=0.1,
        class_projected=0.3,
        wrong_label=0.3,
        latent_cycle=1,
        image_cycle=4,
        closeness=0.3,
        residual=2 if tiny else 4,
        residual_roughness=2,
        residual_colour=2,
        paired=20,
        paired_identity=4,
    )
    return (
        Stage(
            name="joint",
            epochs=epochs,
            batch=batch,
            makers=("encoder", "decoder", "path"),
            judges=("d_image", "d_latent", "d_projected"),
            latent="encoder",
            weights=weights,
            feature_norm="relative",
            adversarial="hinge",
            learning_rate=5e-4,
            learning_rate_projected=1e-3,
            augment=True,
            augment_image=not tiny,
            even_classes=True,
            average=10_000,
        ),
    )
