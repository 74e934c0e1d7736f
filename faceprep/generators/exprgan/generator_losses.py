"""Losses of ExprGAN's encoder, decoder and path, named as in `phase.Weights`."""

from torch import Tensor

from faceprep.generators.blocks import losses
from faceprep.generators.blocks.frozen_features import EMBEDDING, FeatureMaps, FrozenFeatures
from faceprep.generators.exprgan.batch import Batch
from faceprep.generators.exprgan.forward import (
    GeneratorNetworks,
    Images,
    augmented_for_image,
    half,
    projects,
)
from faceprep.generators.exprgan.phase import PhaseRecipe


class GeneratorLosses:
    """Losses of a phase; those of weight 0 are omitted, except Q's, for the history."""

    def __init__(
        self, networks: GeneratorNetworks, phase: PhaseRecipe, phi: FrozenFeatures | None
    ) -> None:
        self.networks, self.phase, self.phi = networks, phase, phi
        self.model = networks.model

    def __call__(self, images: Images, batch: Batch, maps: FeatureMaps) -> dict[str, Tensor]:
        """Return the losses by their names in `phase.Weights`."""
        weights, phase, model = self.phase.weights, self.phase, self.model
        terms: dict[str, Tensor] = {}
        answer = model.d_image(augmented_for_image(images.fake, batch, phase), images.label)
        terms["q"] = losses.q_loss(answer.code, images.code, batch.y.shape[1])
        if weights.adversarial:
            terms["adversarial"] = losses.generator_loss(answer.logit, phase.adversarial)
        if (
            images.reconstruction is not None
            and images.bottleneck is not None
            and images.identity is not None
        ):
            terms |= self._reconstruction(
                images.reconstruction, images.bottleneck, images.identity, batch, maps
            )
        if phase.name == "joint" and images.identity is not None:
            if weights.class_image and answer.classes is not None:
                terms["class_image"] = losses.class_loss(
                    answer.classes, images.label, batch.strength
                )
            terms |= self._edits(images, images.identity, batch)
            terms |= self._on_features(images, batch, maps)
            terms |= self._new_faces(images, batch, maps)
        return terms

    def _reconstruction(
        self, reconstruction: Tensor, bottleneck: Tensor, g: Tensor, batch: Batch, maps: FeatureMaps
    ) -> dict[str, Tensor]:
        weights = self.phase.weights
        terms: dict[str, Tensor] = {}
        if weights.pixel:
            terms["pixel"] = losses.pixel_loss(reconstruction, batch.x[: len(reconstruction)])
        if weights.pixel_bottleneck:
            terms["pixel_bottleneck"] = losses.pixel_loss(bottleneck, batch.x)
        if weights.tv:
            terms["tv"] = losses.tv_loss(reconstruction)
        if weights.adversarial_latent:
            terms["adversarial_latent"] = losses.generator_loss(self.model.d_latent(g))
        if weights.identity:
            layers = self.phi.compared if self.phi else ()
            found = [maps["own"][name] for name in layers]
            wanted = [
                maps["real"][name][-len(own) :] for name, own in zip(layers, found, strict=True)
            ]
            terms["identity"] = losses.identity_loss(found, wanted, self.phase.feature_norm)
        if weights.embedding:
            again = maps["own"][EMBEDDING]
            terms["embedding"] = losses.embedding_loss(
                again, maps["real"][EMBEDDING][-len(again) :]
            )
        return terms

    def _edits(self, images: Images, g: Tensor, batch: Batch) -> dict[str, Tensor]:
        weights = self.phase.weights
        terms: dict[str, Tensor] = {}
        if weights.latent_cycle or weights.image_cycle:
            again = self.networks.encode(images.fake)
            if weights.latent_cycle:
                terms["latent_cycle"] = losses.latent_cycle_loss(again, g.detach())
            if weights.image_cycle:
                # Edit back by the same strength.
                code = self.model.controller(batch.y, batch.edit)
                n = half(len(code))
                back, _ = self.networks.edit(images.fake[:n], again[:n], code[:n])
                terms["image_cycle"] = losses.pixel_loss(back, batch.x[:n])
        if weights.closeness:
            terms["closeness"] = losses.closeness_loss(images.fake, batch.x, batch.strength)
        if images.parts is not None and weights.residual:
            terms["residual"] = losses.magnitude(images.parts.residual)
        if images.parts is not None and weights.residual_roughness:
            terms["residual_roughness"] = losses.roughness(images.parts.residual)
        if images.parts is not None and weights.residual_colour:
            residual = images.parts.residual
            terms["residual_colour"] = losses.magnitude(residual - residual.mean(1, keepdim=True))
        if weights.paired and batch.pair is not None and batch.paired is not None:
            difference = images.fake.float() - batch.pair
            terms["paired"] = losses.magnitude(difference, batch.paired[:, None, None, None])
        return terms

    def _on_features(self, images: Images, batch: Batch, maps: FeatureMaps) -> dict[str, Tensor]:
        weights = self.phase.weights
        terms: dict[str, Tensor] = {}
        if self.phi is None or "fake" not in maps:
            return terms
        if weights.class_frozen and self.phi.head is not None:
            logits = self.phi.head(maps["fake"])
            terms["class_frozen"] = losses.class_loss(logits, images.label, batch.strength)
        if "pair" in maps and batch.paired is not None:
            layers = self.phi.compared
            found, wanted = ([maps[who][name] for name in layers] for who in ("fake", "pair"))
            terms["paired_identity"] = losses.identity_loss(
                found, wanted, self.phase.feature_norm, faces=batch.paired
            )
        if weights.embedding_edit:
            terms["embedding_edit"] = losses.embedding_loss(
                maps["fake"][EMBEDDING], maps["real"][EMBEDDING], weights.embedding_margin
            )
        if self.model.d_projected is not None and projects(self.model, self.phase, self.phi):
            answer = self.model.d_projected(self._maps(maps, "fake"), images.label)
            if weights.adversarial_projected:
                terms["adversarial_projected"] = losses.generator_loss(
                    answer.logits, self.phase.adversarial
                )
            if weights.class_projected:
                terms["class_projected"] = losses.class_loss(
                    answer.classes, images.label, batch.strength
                )
        return terms

    def _new_faces(self, images: Images, batch: Batch, maps: FeatureMaps) -> dict[str, Tensor]:
        weights = self.phase.weights
        terms: dict[str, Tensor] = {}
        if images.new is None:
            return terms
        if weights.adversarial_new:
            answer = self.model.d_image(
                augmented_for_image(images.new, batch, self.phase), images.label
            )
            value = losses.generator_loss(answer.logit, self.phase.adversarial)
            if self.model.d_projected is not None and projects(self.model, self.phase, self.phi):
                other = self.model.d_projected(self._maps(maps, "new"), images.label)
                value = value + losses.generator_loss(other.logits, self.phase.adversarial)
            terms["adversarial_new"] = value
        if weights.diversity:
            second = self.networks.face(batch.prior, images.code)
            terms["diversity"] = losses.diversity_loss(images.new, second, batch.noise, batch.prior)
        return terms

    def _maps(self, maps: FeatureMaps, who: str) -> list[Tensor]:
        return [maps[who][layer] for layer in self.phi.projected] if self.phi else []
