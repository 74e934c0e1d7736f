"""Resolve the settings of a training of ExprGAN."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import torch

from faceprep.generators.blocks.frozen_features import FrozenFeatures
from faceprep.generators.blocks.memory import FEATURE_OUTPUTS, outputs_by_network
from faceprep.generators.exprgan.config import PRESETS, ExprGANConfig
from faceprep.generators.exprgan.forward import needs_features
from faceprep.generators.exprgan.model import ExprGAN
from faceprep.generators.exprgan.phase import PhaseRecipe
from faceprep.generators.exprgan.schedule import phases
from faceprep.generators.exprgan.trainer import ExprGANTrainer, phases_of
from faceprep.training.expression_head import fit_expression_head
from faceprep.training.ridge import Features
from faceprep.training.trainer import FeatureLoader, Phase, TrainingData, TrainingSetup

if TYPE_CHECKING:
    from faceprep.config import TrainConfig

#: Settings that a resumed training may change: its length.
_LENGTHS = {"steps", "epochs"}

#: Smallest side at which the finest layer of the face features is informative, pixels.
_FINE = 128

#: Number of last layers of the face features that the frozen expression classifier reads.
_HEAD_LAYERS = 3


class ExprGANSetup(TrainingSetup):
    """Training setup of ExprGAN.

    `networks`, `recipes`: settings of the networks, and of each phase.
    `projected`: layers that the projected discriminator reads.
    """

    def __init__(
        self,
        networks: ExprGANConfig,
        recipes: Sequence[PhaseRecipe],
        projected: tuple[str, ...] = (),
    ) -> None:
        super().__init__(ExprGAN, networks)
        self.recipes, self.projected = recipes, projected
        self.needs_features = any(needs_features(recipe.weights) for recipe in recipes)

    def phases(self, faces: int) -> list[Phase]:
        """Return the phases for a number of training faces."""
        return phases_of(self.recipes, faces)

    def identity(self) -> dict[str, Any]:
        """Return the settings of the phases without their lengths."""
        recipes = [asdict(recipe) for recipe in self.recipes]
        kept = [{k: v for k, v in recipe.items() if k not in _LENGTHS} for recipe in recipes]
        return {"recipe": kept}

    def activations(self) -> int:
        """Estimate the memory of a step's activations, bytes."""
        return activations(self.sketch, self.recipes, self.needs_features)

    def trainer(self, data: TrainingData) -> ExprGANTrainer:
        """Build networks with fresh weights; fit the expression classifier if a loss needs it."""
        phi, fit = None, None
        if data.features is not None:
            phi = FrozenFeatures(data.features, projected=self.projected)
            if any(recipe.weights.class_frozen for recipe in self.recipes):
                phi, fit = self._with_head(phi, data)
        notes = {"expression_head": fit}
        return ExprGANTrainer(self.networks, self.recipes, data, phi, notes)

    def _with_head(
        self, phi: FrozenFeatures, data: TrainingData
    ) -> tuple[FrozenFeatures, dict[str, Any]]:
        augmented = any(recipe.augment for recipe in self.recipes)
        layers = phi.features.perceptual_layers[-_HEAD_LAYERS:]
        head, fit = fit_expression_head(phi.features, data.crops, layers, data.seed, augmented)
        data.say(
            f"train: the frozen expression head knows {fit.accuracy:.0%} of training people"
            " left out"
        )
        return replace(phi, head=head), vars(fit)


def setup(settings: "TrainConfig", classes: Sequence[str], features: FeatureLoader) -> ExprGANSetup:
    """Resolve the settings of ``[train]``.

    Raises
    ------
    UsageError
        A switch or a loss is unknown, or a value is invalid.
    MissingToolError
        A loss needs face features, and their weights are missing.
    """
    recipes = phases(
        settings.preset,
        steps=settings.steps,
        epochs=settings.epochs,
        batch=settings.batch,
        learning_rate=settings.learning_rate,
        weights=settings.weights,
        switches=settings.recipe,
    )
    layers: tuple[str, ...] = ()
    channels: tuple[int, ...] = ()
    if any(needs_features(recipe.weights) for recipe in recipes):
        loaded = features()
        layers = _projected_layers(settings, loaded)
        channels = tuple(loaded.layers[name].channels for name in layers)
    changes: dict[str, Any] = {} if settings.size is None else {"size": settings.size}
    # Only presets with a source path have the projected discriminator.
    if settings.preset != "paper":
        changes["projected_channels"] = channels
    networks = PRESETS[settings.preset](tuple(classes), **{**changes, **settings.networks})
    return ExprGANSetup(networks, recipes, layers)


def _projected_layers(settings: "TrainConfig", features: Features) -> tuple[str, ...]:
    """Return the layers that the projected discriminator reads.

    The finest layer is not informative at 64 pixels, and would take half of the time.
    """
    layers = features.perceptual_layers
    coarse = settings.preset == "tiny" or (settings.size or _FINE) < _FINE
    return layers[1:] if coarse else layers


#: Number of passes through the face features that keep their activations.
_FEATURE_PASSES = 2


def activations(model: ExprGAN, phases: Sequence[PhaseRecipe], features: bool) -> int:
    """Estimate the bytes of all layers' float32 outputs in a step with the largest batch.

    `model` is on device ``meta``. Every network is run once for one face and counted repeatedly:
    two encodings, three decodings and edits (own label, other label, and back), and D_img twice.
    """
    config, model = model.config, model.eval()
    joint = any(phase.name == "joint" for phase in phases)
    passes = {"encoder": 2, "decoder": 3, "path": 3, "d_image": 3} if joint else {}

    x = torch.empty(1, 3, config.size, config.size, device="meta")
    y = torch.empty(1, len(config.classes), device="meta")
    code = torch.empty(1, config.code, device="meta")

    def run() -> None:
        g = model.encode(x)
        model.decode(g, code, x)
        model.decode(g, code)
        model.d_image(x, y)

    counts = outputs_by_network(model, run)
    total = sum(passes.get(name, 2) * outputs for name, outputs in counts.items())
    if features:
        total += _FEATURE_PASSES * FEATURE_OUTPUTS
    return 4 * total * max(phase.batch for phase in phases)
