"""One step of ExprGAN's training: images are made, the judges learn, then the makers.

`recipe.Weights` names the losses; one of weight 0 costs nothing. The losses that need another label
than the face's own (edits) run in the joint stage only.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from faceprep.generators.exprgan.batch import Batch
from faceprep.generators.exprgan.discriminator_losses import JudgeLosses
from faceprep.generators.exprgan.forward import (
    EMBEDDING,
    Made,
    Makers,
    Phi,
    augmented,
    needs_features,
    projects,
)
from faceprep.generators.exprgan.generator_losses import MakerLosses
from faceprep.generators.exprgan.model import ExprGAN
from faceprep.generators.exprgan.schedule import Stage


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
        self.images = Makers(model, compiled)
        self.judge_losses = JudgeLosses(model, stage, phi)
        self.maker_losses = MakerLosses(self.images, stage, phi)
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
            judged, health = self.judge_losses(made, batch, seen)
        if self.stage.weights.r1 and step % self.stage.r1_every == 0:
            judged["d_r1"] = self.judge_losses.r1(batch)
        _learn(self.judges, _total(judged, self.judge_losses.weights))
        with _fixed(list(self.model.parameters_of(*self.stage.judges))):
            with self._autocast():
                terms = self.maker_losses(made, batch, seen)
            _learn(self.makers, _total(terms, vars(self.stage.weights)))
        return {name: value.detach() for name, value in {**terms, **judged, **health}.items()}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.low_precision)

    def _make(self, batch: Batch) -> Made:
        model, weights, images = self.model, self.stage.weights, self.images
        code = model.controller(batch.y, batch.own)
        if self.stage.latent == "noise":
            return Made(images.face(batch.noise, code), batch.y, code)
        g = images.encode(batch.x)
        own, bottleneck = images.both(batch.x, g, code)
        if self.stage.name != "joint":
            return Made(own, batch.y, code, own, bottleneck, g)
        edit = model.controller(batch.other, batch.edit)
        judged, parts = images.edit(batch.x, g, edit)
        made = Made(judged, batch.other, edit, own, bottleneck, g, parts)
        if weights.adversarial_new or weights.diversity:
            return replace(made, new=images.face(batch.noise, edit))
        return made

    def _seen(self, made: Made, batch: Batch) -> dict[str, dict[str, Tensor]]:
        """Face features of the real faces, what is judged, the reconstruction, and new faces."""
        weights = self.stage.weights
        seen: dict[str, dict[str, Tensor]] = {}
        if self.phi is None or not needs_features(weights):
            return seen
        compared, projected = self.phi.compared, self.phi.projected
        compares_own = bool(weights.identity or weights.embedding)
        with torch.no_grad():
            real = augmented(batch.x, batch)
            seen["real"] = self.phi.maps(real, [*compared, *projected, EMBEDDING])
        if self.stage.name == "joint":
            head = self.phi.head.layers if self.phi.head else ()
            fake = augmented(made.judged, batch)
            pairs = compared if weights.paired_identity else ()
            seen["fake"] = self.phi.maps(fake, [*projected, *head, *pairs, EMBEDDING])
        if made.own is not None and made.bottleneck is not None and compares_own:
            # The path has the source's pixels; the faces it leaves out teach the bottleneck.
            rest = len(made.own) if self.images.has_path else 0
            own = augmented(made.bottleneck, batch)[rest:]
            seen["own"] = self.phi.maps(own, [*compared, EMBEDDING])
        if weights.paired_identity and batch.pair is not None:
            with torch.no_grad():
                seen["pair"] = self.phi.maps(augmented(batch.pair, batch), compared)
        if made.new is not None and projects(self.model, self.stage, self.phi):
            seen["new"] = self.phi.maps(augmented(made.new, batch), projected)
        return seen


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
