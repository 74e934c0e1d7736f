"""A tiny ExprGAN and a training of a few steps, for tests of generators and checkpoints."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from faceprep.generators.blocks import losses
from faceprep.generators.codes import one_hot
from faceprep.generators.exprgan import ExprGAN, ExprGANConfig, build, codes, tiny
from faceprep.training.checkpoint import read_checkpoint
from faceprep.training.checkpoint_writer import write_checkpoint
from faceprep.training.diffaugment import augment, draw
from faceprep.training.ema import EMA
from faceprep.training.random_state import Streams

SIX = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")


def smallest(**changes: object) -> ExprGANConfig:
    """ExprGAN of `tiny` that a test trains in no time."""
    choices: dict[str, object] = {
        "size": 32,
        "width": 4,
        "d_width": 4,
        "path_width": 4,
        "d_features": 16,
    }
    return tiny(SIX, **{**choices, **changes})


def images(batch: int, size: int = 32, seed: int = 0) -> Tensor:
    """Smooth coloured noise in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, 3, 8, 8, generator=generator) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")


def labels(batch: int) -> Tensor:
    return one_hot(torch.arange(batch) % len(SIX), SIX)


class Training:
    """Every part that a checkpoint has to carry: networks, two Adams, EMA, random streams."""

    def __init__(self, config: ExprGANConfig | None = None, seed: int = 0) -> None:
        self.config = config or smallest(residual_init=0.2)
        self.model: ExprGAN = build(self.config, seed=seed)
        self.ema = EMA(self.model, half_life=100, names=("encoder", "decoder", "path"))
        self.makers = torch.optim.Adam(
            self.model.parameters_of("encoder", "decoder", "path"), lr=2e-3, betas=(0.5, 0.999)
        )
        self.judges = torch.optim.Adam(
            self.model.parameters_of("d_image", "d_latent"), lr=1e-3, betas=(0.5, 0.999)
        )
        self.streams = Streams(
            shuffles={"order": np.random.default_rng(seed)},
            draws={"noise": torch.Generator().manual_seed(seed)},
        )
        self.steps = 0
        torch.manual_seed(seed)

    def step(self) -> float:
        x, y = images(12), labels(12)
        order = torch.from_numpy(self.streams.shuffles["order"].permutation(12)[:6])
        x, y = x[order], y[order]
        noise = self.streams.draws["noise"]
        model = self.model
        c = model.controller(y, codes.uniform_noise(len(x), self.config.elements, noise))
        g = model.encode(x)
        made = model.decode(g, c, x)
        numbers = draw(len(x), generator=noise)
        with torch.no_grad():
            prior = torch.rand_like(g) * 2 - 1  # from torch's global state
        real = model.d_image(augment(x, numbers), y)
        fake = model.d_image(augment(made.detach(), numbers), y)
        loss = losses.real_loss(real.logit) + losses.fake_loss(fake.logit)
        loss = loss + losses.q_loss(fake.code, c, len(SIX))
        loss = loss + losses.real_loss(model.d_latent(prior))
        loss = loss + losses.fake_loss(model.d_latent(g.detach()))
        self.judges.zero_grad()
        loss.backward()
        self.judges.step()
        judged = model.d_image(augment(made, numbers), y)
        total = losses.pixel_loss(model.decode(g, c), x) + losses.pixel_loss(made, x)
        total = total + 0.1 * losses.generator_loss(judged.logit)
        total = total + losses.q_loss(judged.code, c, len(SIX))
        self.makers.zero_grad()
        total.backward()
        self.makers.step()
        self.ema.update(model, len(x), self.steps * len(x))
        self.steps += 1
        return float(total.detach())

    def networks(self) -> dict[str, object]:
        return {"generator": self.model, "average": self.ema.state}

    def save(self, path: Path) -> None:
        write_checkpoint(
            path,
            kind="exprgan",
            config=self.config.to_json(),
            networks=self.networks(),
            optimizers={"makers": self.makers, "judges": self.judges},
            streams=self.streams,
            progress={"step": self.steps, "stage": "joint"},
        )

    def resume(self, path: Path) -> None:
        file = read_checkpoint(path)
        file.expect(kind="exprgan", preset=self.config.preset, config=self.config.to_json())
        file.restore(self.networks(), {"makers": self.makers, "judges": self.judges}, self.streams)
        self.steps = int(file.progress["step"])
