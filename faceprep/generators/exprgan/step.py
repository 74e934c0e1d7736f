"""One training step of ExprGAN: images, then the discriminators, then the generator.

`phase.Weights` names the losses; losses of weight 0 are not computed. Losses of edits, which need
another label than the face's own, are used in the joint phase only.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam

from faceprep.generators.blocks.frozen_features import EMBEDDING, FrozenFeatures
from faceprep.generators.blocks.optimisation import fixed, learn, weighted_sum
from faceprep.generators.exprgan.batch import Batch
from faceprep.generators.exprgan.discriminator_losses import DiscriminatorLosses
from faceprep.generators.exprgan.forward import (
    GeneratorNetworks,
    Images,
    augmented,
    needs_features,
    projects,
)
from faceprep.generators.exprgan.generator_losses import GeneratorLosses
from faceprep.generators.exprgan.model import ExprGAN
from faceprep.generators.exprgan.phase import PhaseRecipe


class ExprGANStep:
    """Update the networks in one phase.

    `model`, `phase`: networks, and settings of the phase.
    `phi`: face features; required if `needs_features`.
    `compiled`: compile encoder, decoder and path, but not the discriminators: R1 differentiates
        twice.
    """

    def __init__(
        self,
        model: ExprGAN,
        phase: PhaseRecipe,
        phi: FrozenFeatures | None = None,
        compiled: bool = False,
    ) -> None:
        self.model, self.phase, self.phi = model, phase, phi
        self.device = next(model.parameters()).device
        self.low_precision = self.device.type == "cuda"
        self.networks = GeneratorNetworks(model, compiled)
        self.discriminator_losses = DiscriminatorLosses(model, phase, phi)
        self.generator_losses = GeneratorLosses(self.networks, phase, phi)
        betas, rate = phase.betas, phase.learning_rate
        self.generator_optimizer = Adam(model.parameters_of(*phase.makers), lr=rate, betas=betas)
        plain = [name for name in phase.judges if name != "d_projected"]
        groups: list[dict[str, Any]] = [{"params": list(model.parameters_of(*plain))}]
        if "d_projected" in phase.judges and model.d_projected is not None:
            rate_projected = phase.learning_rate_projected
            projected = list(model.parameters_of("d_projected"))
            groups.append({"params": projected, "lr": rate_projected})
        self.discriminator_optimizer = Adam(groups, lr=rate, betas=betas)

    @property
    def optimizers(self) -> dict[str, Adam]:
        """Optimizers by their names in the checkpoint."""
        return {"makers": self.generator_optimizer, "judges": self.discriminator_optimizer}

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Train on one batch; `step` counts within the phase.

        Returns unweighted losses and health numbers, scalars on the device. Names of the
            discriminators' begin with ``d_``.
        """
        with self._autocast():
            images = self._images(batch)
            maps = self._feature_maps(images, batch)
            discriminator_terms, health = self.discriminator_losses(images, batch, maps)
        if self.phase.weights.r1 and step % self.phase.r1_every == 0:
            discriminator_terms["d_r1"] = self.discriminator_losses.r1(batch)
        learn(
            self.discriminator_optimizer,
            weighted_sum(discriminator_terms, self.discriminator_losses.weights),
        )
        with fixed(list(self.model.parameters_of(*self.phase.judges))):
            with self._autocast():
                terms = self.generator_losses(images, batch, maps)
            learn(self.generator_optimizer, weighted_sum(terms, vars(self.phase.weights)))
        return {
            name: value.detach()
            for name, value in {**terms, **discriminator_terms, **health}.items()
        }

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.low_precision)

    def _images(self, batch: Batch) -> Images:
        model, weights, networks = self.model, self.phase.weights, self.networks
        code = model.controller(batch.y, batch.own)
        if self.phase.latent == "noise":
            return Images(networks.face(batch.noise, code), batch.y, code)
        g = networks.encode(batch.x)
        reconstruction, bottleneck = networks.both(batch.x, g, code)
        if self.phase.name != "joint":
            return Images(reconstruction, batch.y, code, reconstruction, bottleneck, g)
        edit = model.controller(batch.other, batch.edit)
        fake, parts = networks.edit(batch.x, g, edit)
        images = Images(fake, batch.other, edit, reconstruction, bottleneck, g, parts)
        if weights.adversarial_new or weights.diversity:
            return replace(images, new=networks.face(batch.noise, edit))
        return images

    def _feature_maps(self, images: Images, batch: Batch) -> dict[str, dict[str, Tensor]]:
        """Return face features of real faces, fakes, reconstructions and new faces."""
        weights = self.phase.weights
        maps: dict[str, dict[str, Tensor]] = {}
        if self.phi is None or not needs_features(weights):
            return maps
        compared, projected = self.phi.compared, self.phi.projected
        compares_own = bool(weights.identity or weights.embedding)
        with torch.no_grad():
            real = augmented(batch.x, batch)
            maps["real"] = self.phi.maps(real, [*compared, *projected, EMBEDDING])
        if self.phase.name == "joint":
            head = self.phi.head.layers if self.phi.head else ()
            fake = augmented(images.fake, batch)
            pairs = compared if weights.paired_identity else ()
            maps["fake"] = self.phi.maps(fake, [*projected, *head, *pairs, EMBEDDING])
        if images.reconstruction is not None and images.bottleneck is not None and compares_own:
            # The path copies the source's pixels; the bottleneck learns from the other faces.
            rest = len(images.reconstruction) if self.networks.has_path else 0
            own = augmented(images.bottleneck, batch)[rest:]
            maps["own"] = self.phi.maps(own, [*compared, EMBEDDING])
        if weights.paired_identity and batch.pair is not None:
            with torch.no_grad():
                maps["pair"] = self.phi.maps(augmented(batch.pair, batch), compared)
        if images.new is not None and projects(self.model, self.phase, self.phi):
            maps["new"] = self.phi.maps(augmented(images.new, batch), projected)
        return maps
