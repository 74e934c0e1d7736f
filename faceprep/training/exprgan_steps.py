"""One step of ExprGAN's training: images are made, the judges learn, then the makers.

`recipe.Weights` names the losses; one of weight 0 costs nothing. The losses that need another label
than the face's own (edits) run in the joint stage only.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from faceprep.generators import losses
from faceprep.generators.exprgan.model import ExprGAN
from faceprep.generators.exprgan.path import EditParts
from faceprep.generators.exprgan.recipe import Stage, Weights
from faceprep.training.diffaugment import augment
from faceprep.training.expression_head import ExpressionHead, Features
from faceprep.training.exprgan_batch import Batch
from faceprep.training.health import code_spread

EMBEDDING = "embedding"

_ON_FEATURES = (
    "identity",
    "embedding",
    "embedding_edit",
    "adversarial_projected",
    "class_frozen",
    "class_projected",
)


@dataclass(frozen=True)
class Phi:
    """Face features and what stands on them.

    Attributes
    ----------
    features
        The frozen network.
    head
        The frozen classifier on it; None where its weight is 0.
    projected
        Layers that the projected discriminator sees.
    """

    features: Features
    head: ExpressionHead | None = None
    projected: tuple[str, ...] = ()

    @property
    def compared(self) -> tuple[str, ...]:
        """Layers that a reconstruction is compared in."""
        return tuple(self.features.perceptual_layers)

    def maps(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Activations by name, every layer once."""
        return self.features.activations(x, tuple(dict.fromkeys(layers)))


@dataclass(frozen=True)
class Made:
    """Images of one step.

    Attributes
    ----------
    own, bottleneck
        Reconstruction with the own label, with the source and from the identity alone; None in a
        stage whose identities are noise.
    judged, label, code
        What the discriminators see, the expression that it is said to show, its code.
    g
        Identities of the faces; None where they are noise.
    parts
        The edit in parts; None where there is no path, or no edit.
    new
        Faces of nobody, with `label` and `code`; None where no loss asks for them.
    """

    judged: Tensor
    label: Tensor
    code: Tensor
    own: Tensor | None = None
    bottleneck: Tensor | None = None
    g: Tensor | None = None
    parts: EditParts | None = None
    new: Tensor | None = None


def needs_features(weights: Weights) -> bool:
    """Whether any loss looks at face features."""
    return any(getattr(weights, name) for name in _ON_FEATURES)


class ExprGANStep:
    """Updates the networks of one stage.

    Parameters
    ----------
    model, stage
        The networks, and how they learn.
    phi
        Needed where `needs_features`.
    compiled
        Compile the makers. The judges stay eager: R1 differentiates twice.
    """

    def __init__(
        self, model: ExprGAN, stage: Stage, phi: Phi | None = None, compiled: bool = False
    ) -> None:
        self.model, self.stage, self.phi = model, stage, phi
        self.device = next(model.parameters()).device
        self.low_precision = self.device.type == "cuda"
        self.encode: Callable[[Tensor], Tensor] = model.encoder
        self.features: Callable[[Tensor, Tensor], list[Tensor]] = model.decoder.features
        self.path: Callable[..., EditParts] | None = model.path
        if compiled:
            self.encode = torch.compile(model.encoder, dynamic=False)
            self.features = torch.compile(model.decoder.features, dynamic=False)
            self.path = torch.compile(model.path, dynamic=False) if model.path else None
        betas, rate = stage.betas, stage.learning_rate
        self.makers = Adam(model.parameters_of(*stage.makers), lr=rate, betas=betas)
        plain = [name for name in stage.judges if name != "d_projected"]
        groups: list[dict[str, Any]] = [{"params": list(model.parameters_of(*plain))}]
        if "d_projected" in stage.judges and model.d_projected is not None:
            rate_projected = stage.learning_rate_projected
            projected = list(model.parameters_of("d_projected"))
            groups.append({"params": projected, "lr": rate_projected})
        self.judges = Adam(groups, lr=rate, betas=betas)

    @property
    def optimizers(self) -> dict[str, Adam]:
        """For the checkpoint."""
        return {"makers": self.makers, "judges": self.judges}

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Learn from one batch; `step` counts within the stage.

        Returns
        -------
        Losses without their weights, and numbers of health, scalars on the device. What begins
        with ``d_`` is the judges'.
        """
        with self._autocast():
            made = self._make(batch)
            seen = self._seen(made, batch)
            judged, health = self._judge(made, batch, seen)
        if self.stage.weights.r1 and step % self.stage.r1_every == 0:
            judged["d_r1"] = self._r1(batch)
        _learn(self.judges, _total(judged, self._judge_weights()))
        with _fixed(list(self.model.parameters_of(*self.stage.judges))):
            with self._autocast():
                terms = self._terms(made, batch, seen)
            _learn(self.makers, _total(terms, vars(self.stage.weights)))
        return {name: value.detach() for name, value in {**terms, **judged, **health}.items()}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.low_precision)

    def _judge_weights(self) -> dict[str, float]:
        weights = self.stage.weights
        return {
            "d_wrong_label": weights.wrong_label,
            "d_q": weights.q_discriminator,
            "d_r1": weights.r1 * self.stage.r1_every,
        }

    # Images

    def _make(self, batch: Batch) -> Made:
        model, weights = self.model, self.stage.weights
        code = model.controller(batch.y, batch.own)
        if self.stage.latent == "noise":
            image = model.decoder.image(self.features(batch.noise, code)[-1], code)
            return Made(image, batch.y, code)
        g = self.encode(batch.x)
        known = self.features(g, code)
        bottleneck = model.decoder.image(known[-1], code)
        own = bottleneck
        if self.path is not None:
            own = self.path(batch.x, g, code, known).image
        if self.stage.name != "joint":
            return Made(own, batch.y, code, own, bottleneck, g)
        edit = model.controller(batch.other, batch.edit)
        judged, parts = self._edit(batch.x, g, edit)
        made = Made(judged, batch.other, edit, own, bottleneck, g, parts)
        if weights.adversarial_new or weights.diversity:
            full = model.controller(batch.other, batch.own)
            new = model.decoder.image(self.features(batch.noise, full)[-1], full)
            return replace(made, new=new)
        return made

    def _edit(self, x: Tensor, g: Tensor, code: Tensor) -> tuple[Tensor, EditParts | None]:
        known = self.features(g, code)
        if self.path is None:
            return self.model.decoder.image(known[-1], code), None
        parts = self.path(x, g, code, known)
        return parts.image, parts

    def _augmented(self, x: Tensor, batch: Batch) -> Tensor:
        return x if batch.numbers is None else augment(x, batch.numbers)

    def _seen(self, made: Made, batch: Batch) -> dict[str, dict[str, Tensor]]:
        """Face features of the real faces, what is judged, the reconstruction, and new faces."""
        weights = self.stage.weights
        seen: dict[str, dict[str, Tensor]] = {}
        if self.phi is None or not needs_features(weights):
            return seen
        compared, projected = self.phi.compared, self.phi.projected
        with torch.no_grad():
            real = self._augmented(batch.x, batch)
            seen["real"] = self.phi.maps(real, [*compared, *projected, EMBEDDING])
        if self.stage.name == "joint":
            head = self.phi.head.layers if self.phi.head else ()
            fake = self._augmented(made.judged, batch)
            seen["fake"] = self.phi.maps(fake, [*projected, *head, EMBEDDING])
        if made.own is not None and made.bottleneck is not None:
            # Half of the batch by each way: one pass teaches both.
            half = len(made.own) // 2 if self.path is not None else 0
            own = torch.cat([made.own[:half], made.bottleneck[half:]])
            if weights.identity or weights.embedding:
                seen["own"] = self.phi.maps(self._augmented(own, batch), [*compared, EMBEDDING])
        if made.new is not None and self._projects:
            seen["new"] = self.phi.maps(self._augmented(made.new, batch), projected)
        return seen

    @property
    def _projects(self) -> bool:
        joint = self.stage.name == "joint" and "d_projected" in self.stage.judges
        return joint and self.model.d_projected is not None and self.phi is not None

    def _levels(self, maps: Mapping[str, Tensor], detached: bool = False) -> list[Tensor]:
        assert self.phi is not None
        levels = [maps[name] for name in self.phi.projected]
        return [level.detach() for level in levels] if detached else levels

    # Judges

    def _judge(
        self, made: Made, batch: Batch, seen: Mapping[str, Mapping[str, Tensor]]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Losses of the judges without R1, and how the training is."""
        model, stage = self.model, self.stage
        terms: dict[str, Tensor] = {}
        real_x = self._augmented(batch.x, batch)
        real = model.d_image(real_x, batch.y)
        fake = model.d_image(self._augmented(made.judged.detach(), batch), made.label)
        terms["d_q"] = losses.q_loss(fake.code, made.code, batch.y.shape[1])
        health = {"d_gap": real.logit.float().mean() - fake.logit.float().mean()}
        if stage.discriminate:
            terms["d_image"] = self._real(real.logit) + self._fake(fake.logit)
            if stage.weights.wrong_label:
                terms["d_wrong_label"] = self._fake(model.d_image(real_x, batch.other).logit)
            if made.new is not None and stage.weights.adversarial_new:
                new = model.d_image(self._augmented(made.new.detach(), batch), made.label)
                terms["d_new"] = self._fake(new.logit)
        if real.classes is not None and stage.weights.class_image:
            terms["d_class"] = losses.class_loss(real.classes, batch.y)
        if "d_latent" in stage.judges and made.g is not None:
            prior, taken = model.d_latent(batch.prior), model.d_latent(made.g.detach())
            terms["d_latent"] = losses.real_loss(prior) + losses.fake_loss(taken)
        if self._projects:
            self._judge_projected(made, batch, seen, terms, health)
        if made.g is not None:
            health["code_spread"] = code_spread(made.g).mean()
        if made.parts is not None:
            health["flow"] = made.parts.flow.detach().flatten(1).abs().amax(1).mean()
            health["residual_mean"] = made.parts.residual.detach().abs().mean()
        return terms, health

    def _judge_projected(
        self,
        made: Made,
        batch: Batch,
        seen: Mapping[str, Mapping[str, Tensor]],
        terms: dict[str, Tensor],
        health: dict[str, Tensor],
    ) -> None:
        judge, weights = self.model.d_projected, self.stage.weights
        assert judge is not None
        known = self._levels(seen["real"])
        real = judge(known, batch.y)
        fake = judge(self._levels(seen["fake"], detached=True), made.label)
        terms["d_projected"] = self._real(real.logits) + self._fake(fake.logits)
        if weights.wrong_label:
            wrong = self._fake(judge(known, batch.other).logits)
            terms["d_wrong_label"] = terms.get("d_wrong_label", wrong.new_zeros(())) + wrong
        if "new" in seen and weights.adversarial_new:
            new = judge(self._levels(seen["new"], detached=True), made.label)
            terms["d_new"] = terms.get("d_new", 0) + self._fake(new.logits)
        if weights.class_projected:
            terms["d_class_projected"] = losses.class_loss(real.classes, batch.y)
        means = [torch.stack([level.float().mean() for level in j.logits]) for j in (real, fake)]
        health["d_gap_projected"] = (means[0] - means[1]).mean().detach()

    def _real(self, logits: losses.Logits) -> Tensor:
        return losses.real_loss(logits, self.stage.adversarial)

    def _fake(self, logits: losses.Logits) -> Tensor:
        return losses.fake_loss(logits, self.stage.adversarial)

    def _r1(self, batch: Batch) -> Tensor:
        """R1 of D_img, in float32 and without augmentation of its gradient's point."""
        x = batch.x.detach().requires_grad_()
        return losses.r1_penalty(self.model.d_image(self._augmented(x, batch), batch.y).logit, x)

    # Makers

    def _terms(
        self, made: Made, batch: Batch, seen: Mapping[str, Mapping[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Losses of the makers by their names in `recipe.Weights`."""
        weights, stage, model = self.stage.weights, self.stage, self.model
        terms: dict[str, Tensor] = {}
        answer = model.d_image(self._augmented(made.judged, batch), made.label)
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
        seen: Mapping[str, Mapping[str, Tensor]],
    ) -> dict[str, Tensor]:
        weights = self.stage.weights
        terms: dict[str, Tensor] = {}
        if weights.pixel:
            terms["pixel"] = losses.pixel_loss(own, batch.x)
        if weights.pixel_bottleneck:
            terms["pixel_bottleneck"] = losses.pixel_loss(bottleneck, batch.x)
        if weights.tv:
            terms["tv"] = losses.tv_loss(own)
        if weights.adversarial_latent:
            terms["adversarial_latent"] = losses.generator_loss(self.model.d_latent(g))
        if weights.identity:
            layers = self.phi.compared if self.phi else ()
            made, wanted = ([seen[who][name] for name in layers] for who in ("own", "real"))
            terms["identity"] = losses.identity_loss(made, wanted, self.stage.feature_norm)
        if weights.embedding:
            terms["embedding"] = losses.embedding_loss(
                seen["own"][EMBEDDING], seen["real"][EMBEDDING]
            )
        return terms

    def _edits(self, made: Made, g: Tensor, batch: Batch) -> dict[str, Tensor]:
        weights = self.stage.weights
        terms: dict[str, Tensor] = {}
        if weights.latent_cycle or weights.image_cycle:
            again = self.encode(made.judged)
            if weights.latent_cycle:
                terms["latent_cycle"] = losses.latent_cycle_loss(again, g.detach())
            if weights.image_cycle:
                # Back as far as it went.
                code = self.model.controller(batch.y, batch.edit)
                back, _ = self._edit(made.judged, again, code)
                terms["image_cycle"] = losses.pixel_loss(back, batch.x)
        if weights.closeness:
            terms["closeness"] = losses.closeness_loss(made.judged, batch.x, batch.strength)
        if made.parts is not None and weights.residual:
            terms["residual"] = losses.magnitude(made.parts.residual)
        if made.parts is not None and weights.residual_roughness:
            terms["residual_roughness"] = losses.roughness(made.parts.residual)
        return terms

    def _on_features(
        self, made: Made, batch: Batch, seen: Mapping[str, Mapping[str, Tensor]]
    ) -> dict[str, Tensor]:
        weights = self.stage.weights
        terms: dict[str, Tensor] = {}
        if self.phi is None or "fake" not in seen:
            return terms
        if weights.class_frozen and self.phi.head is not None:
            logits = self.phi.head(seen["fake"])
            terms["class_frozen"] = losses.class_loss(logits, made.label, batch.strength)
        if weights.embedding_edit:
            terms["embedding_edit"] = losses.embedding_loss(
                seen["fake"][EMBEDDING], seen["real"][EMBEDDING], weights.embedding_margin
            )
        if self._projects and self.model.d_projected is not None:
            answer = self.model.d_projected(self._levels(seen["fake"]), made.label)
            if weights.adversarial_projected:
                terms["adversarial_projected"] = losses.generator_loss(
                    answer.logits, self.stage.adversarial
                )
            if weights.class_projected:
                terms["class_projected"] = losses.class_loss(
                    answer.classes, made.label, batch.strength
                )
        return terms

    def _new_faces(
        self, made: Made, batch: Batch, seen: Mapping[str, Mapping[str, Tensor]]
    ) -> dict[str, Tensor]:
        weights = self.stage.weights
        terms: dict[str, Tensor] = {}
        if made.new is None:
            return terms
        if weights.adversarial_new:
            answer = self.model.d_image(self._augmented(made.new, batch), made.label)
            value = losses.generator_loss(answer.logit, self.stage.adversarial)
            if self._projects and self.model.d_projected is not None:
                other = self.model.d_projected(self._levels(seen["new"]), made.label)
                value = value + losses.generator_loss(other.logits, self.stage.adversarial)
            terms["adversarial_new"] = value
        if weights.diversity:
            full = self.model.controller(made.label, batch.own)
            second = self.model.decoder.image(self.features(batch.prior, full)[-1], full)
            terms["diversity"] = losses.diversity_loss(made.new, second, batch.noise, batch.prior)
        return terms


def _total(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Weighted sum; what has no weight of its own counts as it is."""
    return torch.stack([weights.get(name, 1.0) * value for name, value in terms.items()]).sum()


def _learn(optimizer: Adam, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


@contextmanager
def _fixed(parameters: list[nn.Parameter]) -> Iterator[None]:
    """No gradients for these for a while."""
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
