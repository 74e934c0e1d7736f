"""Phases of the presets: epochs, batches, weights of the losses.

`paper_phases` returns the three phases of the paper, with every difference between paper and
official code as an argument; `modern_phases` returns one joint phase with the weights of a trial on
photographs.

Two bugs of the official code are not reproduced: it reseeds the shuffling with the same number in
every epoch, which repeats noise and flips, so that the controller sees only 1260 vectors z; and its
resize function stretches every image's contrast to the full range.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from faceprep.generators.blocks.losses import FeatureNorm
from faceprep.generators.exprgan.phase import PhaseRecipe, Weights
from faceprep.generators.recipes import refuse_unknown

#: Default number of steps of the presets with one joint phase.
STEPS = {"modern": 30_000, "tiny": 900}

#: Shares of the steps of the paper's phases: 4200, 1350 and 1350 in the official code.
_PAPER_SHARES = (4200 / 6900, 1350 / 6900)


def phases(
    preset: str,
    *,
    steps: int | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    weights: Mapping[str, float] | None = None,
    switches: Mapping[str, Any] | None = None,
) -> tuple[PhaseRecipe, ...]:
    """Return the phases of a preset, with the given values in place of its own.

    Parameters
    ----------
    preset
        ``paper``, ``modern`` or ``tiny``.
    steps, epochs
        Length of all phases together; at most one of the two.
    batch, learning_rate
        Values for every phase.
    weights
        Weights of losses by name, for every phase.
    switches
        Arguments of `paper_phases` (preset ``paper``), and fields of `PhaseRecipe` for every phase.

    Raises
    ------
    UsageError
        There is no such weight or switch.
    """
    own, switches = {}, dict(switches or {})
    if preset == "paper":
        names = ("vgg_norm", "judges_in_reconstruction", "q_in_reconstruction")
        own = {name: switches.pop(name) for name in names if name in switches}
    refuse_unknown("loss", weights or {}, Weights)
    refuse_unknown("switch of the training", switches, PhaseRecipe)
    changes: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in switches.items()
    }
    changes |= {"batch": batch} if batch else {}
    changes |= {"learning_rate": learning_rate} if learning_rate else {}
    found: tuple[PhaseRecipe, ...] = (
        paper_phases(**own) if preset == "paper" else modern_phases(1, tiny=preset == "tiny")
    )
    lengths = _lengths(preset, steps, epochs, found)
    return tuple(
        replace(
            phase, **{**length, **changes, "weights": replace(phase.weights, **(weights or {}))}
        )
        for phase, length in zip(found, lengths, strict=True)
    )


def _lengths(
    preset: str, steps: int | None, epochs: int | None, found: tuple[PhaseRecipe, ...]
) -> list[dict[str, Any]]:
    if preset != "paper":
        return [{"epochs": epochs}] if epochs else [{"steps": steps or STEPS[preset]}]
    if steps:
        first, second = (max(round(share * steps), 1) for share in _PAPER_SHARES)
        return [{"steps": n} for n in (first, second, max(steps - first - second, 1))]
    if epochs:
        total = sum(phase.epochs for phase in found)
        return [{"epochs": max(round(phase.epochs / total * epochs), 1)} for phase in found]
    return [{} for _ in found]


def paper_phases(
    *,
    epochs: tuple[int, int, int] = (200, 50, 50),
    batches: tuple[int, int, int] = (60, 48, 48),
    vgg_norm: FeatureNorm = "mean_over_hw",
    judges_in_reconstruction: bool = True,
    q_in_reconstruction: float = 1.0,
) -> tuple[PhaseRecipe, PhaseRecipe, PhaseRecipe]:
    """Return controller, reconstruction and refining (paper, section "Incremental Training").

    `epochs`: epochs of the official code; the paper gives none.
    `batches`: Code: 60 in the controller phase. Paper: 48 throughout.
    `vgg_norm`: Code: ``mean_over_hw``, with which L_id nearly vanishes. ``mean`` follows the
        formula of the paper, and gives sharper faces.
    `judges_in_reconstruction`: Code: D_img, Q and D_z are trained in the second phase too, though G
        has no adversarial loss there. Paper (False): only Q is trained besides G_enc and G_dec; as
        Q shares D_img's layers, D_img is updated by L_Q alone.
    `q_in_reconstruction`: weight of L_Q in the second phase. Code: 1. Paper: "decreased", without a
        number.
    """
    controller = PhaseRecipe(
        name="controller",
        epochs=epochs[0],
        batch=batches[0],
        makers=("decoder",),
        judges=("d_image",),
        latent="noise",
        weights=Weights(adversarial=1, q=1),
        feature_norm=vgg_norm,
    )
    reconstruction = PhaseRecipe(
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
    refining = PhaseRecipe(
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


def modern_phases(epochs: int, batch: int = 16, tiny: bool = False) -> tuple[PhaseRecipe]:
    """Return one joint phase: reconstruction with the own label, edits with another, new faces.

    The weights are those of a trial on photographs (64 pixels, 1 044 photographs, batch 16, Adam
    5e-4), with additional losses (other faces of the same person, colours of the residual), and
    larger `embedding_edit`, `residual` and `pixel_bottleneck`. `tiny`, for rendered faces, allows
    stronger edits. Codes of edits are `codes.edit_magnitudes`, classes are sampled evenly, and the
    class losses are weighted by the strength r.
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
        PhaseRecipe(
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
