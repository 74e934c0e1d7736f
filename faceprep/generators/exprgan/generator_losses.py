"""Losses of ExprGAN's makers, by their names in `recipe.Weights`."""

from torch import Tensor

from faceprep.generators.blocks import losses
from faceprep.generators.exprgan.batch import Batch
from faceprep.generators.exprgan.forward import (
    EMBEDDING,
    Made,
    Makers,
    Phi,
    Seen,
    half,
    projects,
    seen_by_image,
)
from faceprep.generators.exprgan.schedule import Stage


class MakerLosses:
    """Losses of a stage; one of weight 0 is left out, but for Q, which is watched in any case."""

    def __init__(self, makers: Makers, stage: Stage, phi: Phi | None) -> None:
        self.makers, self.stage, self.phi = makers, stage, phi
        self.model = makers.model

    def __call__(self, made: Made, batch: Batch, seen: Seen) -> dict[str, Tensor]:
        """Losses of the makers by their names in `recipe.Weights`."""
        weights, stage, model = self.stage.weights, self.stage, self.model
        terms: dict[str, Tensor] = {}
        answer = model.d_image(seen_by_image(made.judged, batch, stage), made.label)
        terms["q"] = losses.q_loss(answer.code, made.code, batch.y.shape[1])
        if weights.adversarial:
            terms["adversarial"] = losses.generator_loss(answer.logit, stage.adversarial)
        if made.own is not None and made.bottleneck is not None and made.g is not None:
            terms |= self._reconstruction(made.own, made.bottleneck, made.g, batch, seen)
        if stage.name == "joint" and made.g is not None:
            if weights.class_image and answer.classes is not None:
                terms["class_image"] = losses.class_loss(answer.classes, made.label, batch.strength)
            terms |= self._edits(made, made.g, batch)
            terms |= self._on_features(made, batch, seen)
            terms |= self._new_faces(made, batch, seen)
        return terms

    def _reconstruction(
        self,
        own: Tensor,
        bottleneck: Tensor,
        g: Tensor,
        batch: Batch,
        seen: Seen,
    ) -> dict[str, Tensor]:
        weights = self.stage.weights
        terms: dict[str, Tensor] = {}
        if weights.pixel:
            terms["pixel"] = losses.pixel_loss(own, batch.x[: len(own)])
        if weights.pixel_bottleneck:
            terms["pixel_bottleneck"] = losses.pixel_loss(bottleneck, batch.x)
        if weights.tv:
            terms["tv"] = losses.tv_loss(own)
        if weights.adversarial_latent:
            terms["adversarial_latent"] = losses.generator_loss(self.model.d_latent(g))
        if weights.identity:
            layers = self.phi.compared if self.phi else ()
            made = [seen["own"][name] for name in layers]
            wanted = [
                seen["real"][name][-len(maps) :] for name, maps in zip(layers, made, strict=True)
            ]
            terms["identity"] = losses.identity_loss(made, wanted, self.stage.feature_norm)
        if weights.embedding:
            again = seen["own"][EMBEDDING]
            terms["embedding"] = losses.embedding_loss(
                again, seen["real"][EMBEDDING][-len(again) :]
            )
        return terms

    def _edits(self, made: Made, g: Tensor, batch: Batch) -> dict[str, Tensor]:
        weights = self.stage.weights
        terms: dict[str, Tensor] = {}
        if weights.latent_cycle or weights.image_cycle:
            again = self.makers.encode(made.judged)
            if weights.latent_cycle:
                terms["latent_cycle"] = losses.latent_cycle_loss(again, g.detach())
            if weights.image_cycle:
                # Back as far as it went.
                code = self.model.controller(batch.y, batch.edit)
                n = half(len(code))
                back, _ = self.makers.edit(made.judged[:n], again[:n], code[:n])
                terms["image_cycle"] = losses.pixel_loss(back, batch.x[:n])
        if weights.closeness:
            terms["closeness"] = losses.closeness_loss(made.judged, batch.x, batch.strength)
        if made.parts is not None and weights.residual:
            terms["residual"] = losses.magnitude(made.parts.residual)
        if made.parts is not None and weights.residual_roughness:
            terms["residual_roughness"] = losses.roughness(made.parts.residual)
        if made.parts is not None and weights.residual_colour:
            residual = made.parts.residual
            terms["residual_colour"] = losses.magnitude(residual - residual.mean(1, keepdim=True))
        if weights.paired and batch.pair is not None and batch.paired is not None:
            difference = made.judged.float() - batch.pair
            terms["paired"] = losses.magnitude(difference, batch.paired[:, None, None, None])
        return terms

    def _on_features(self, made: Made, batch: Batch, seen: Seen) -> dict[str, Tensor]:
        weights = self.stage.weights
        terms: dict[str, Tensor] = {}
        if self.phi is None or "fake" not in seen:
            return terms
        if weights.class_frozen and self.phi.head is not None:
            logits = self.phi.head(seen["fake"])
            terms["class_frozen"] = losses.class_loss(logits, made.label, batch.strength)
        if "pair" in seen and batch.paired is not None:
            layers = self.phi.compared
            made_maps, wanted = ([seen[who][name] for name in layers] for who in ("fake", "pair"))
            terms["paired_identity"] = losses.identity_loss(
                made_maps, wanted, self.stage.feature_norm, faces=batch.paired
            )
        if weights.embedding_edit:
            terms["embedding_edit"] = losses.embedding_loss(
                seen["fake"][EMBEDDING], seen["real"][EMBEDDING], weights.embedding_margin
            )
        if self.model.d_projected is not None and projects(self.model, self.stage, self.phi):
            answer = self.model.d_projected(self._maps(seen, "fake"), made.label)
            if weights.adversarial_projected:
                terms["adversarial_projected"] = losses.generator_loss(
                    answer.logits, self.stage.adversarial
                )
            if weights.class_projected:
                terms["class_projected"] = losses.class_loss(
                    answer.classes, made.label, batch.strength
                )
        return terms

    def _new_faces(self, made: Made, batch: Batch, seen: Seen) -> dict[str, Tensor]:
        weights = self.stage.weights
        terms: dict[str, Tensor] = {}
        if made.new is None:
            return terms
        if weights.adversarial_new:
            answer = self.model.d_image(seen_by_image(made.new, batch, self.stage), made.label)
            value = losses.generator_loss(answer.logit, self.stage.adversarial)
            if self.model.d_projected is not None and projects(self.model, self.stage, self.phi):
                other = self.model.d_projected(self._maps(seen, "new"), made.label)
                value = value + losses.generator_loss(other.logits, self.stage.adversarial)
            terms["adversarial_new"] = value
        if weights.diversity:
            second = self.makers.face(batch.prior, made.code)
            terms["diversity"] = losses.diversity_loss(made.new, second, batch.noise, batch.prior)
        return terms

    def _maps(self, seen: Seen, who: str) -> list[Tensor]:
        return [seen[who][layer] for layer in self.phi.projected] if self.phi else []
