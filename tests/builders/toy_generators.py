"""Two small kinds of generators, one driven by Action Units, one by landmarks.

A kind is a network that edits faces towards a `Target`, a setup that resolves the settings of
``[train]``, a trainer that learns from batches, and a `Spec` that names the three. CONTRIBUTING.md
shows this file as the example of a new kind.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprep.config import TrainConfig
from faceprep.generators.base import Edited, GeneratorNetwork, NetworkConfig, Target, build_network
from faceprep.generators.blocks.layers import append_maps
from faceprep.generators.registry import Spec, register, unregister
from faceprep.training.crops import SamePersonPairs
from faceprep.training.trainer import (
    FeatureLoader,
    Phase,
    Samples,
    SampleTable,
    Trainer,
    TrainingData,
    TrainingSetup,
)


@dataclass(frozen=True, kw_only=True)
class ToyConfig(NetworkConfig):
    """Everything that decides the shapes of the network; it is stored in the generator's file."""

    width: int = 8


class ToyNetwork(GeneratorNetwork):
    """Adds a residual to the source; a `faceprep.generators.base.Generator`."""

    driver: ClassVar[str]  # the field of the target that is read
    inputs: ClassVar[int]  # numbers of that field

    def __init__(self, config: ToyConfig) -> None:
        super().__init__(config)
        self.condition = nn.Linear(self.inputs, config.width)
        self.first = nn.Conv2d(3 + config.width, config.width, 3, padding=1)
        self.last = nn.Conv2d(config.width, 3, 3, padding=1)

    def edit(self, images: Tensor, target: Target) -> Edited:
        change = target.require(self.driver) - target.require(f"source_{self.driver}")
        maps = append_maps(images, self.condition(change.flatten(1)))
        residual = torch.tanh(self.last(F.relu(self.first(maps))))
        return Edited((images + residual).clamp(-1, 1), {"residual": residual})


class ActionUnitToy(ToyNetwork):
    kind, driver, inputs = "toy-aus", "action_units", 17


class LandmarkToy(ToyNetwork):
    kind, driver, inputs = "toy-landmarks", "landmarks", 68 * 2


class ToyTrainer(Trainer):
    """One phase, one loss, one optimizer."""

    shown = ("pixel",)

    def __init__(self, model: ToyNetwork, phase: Phase, data: TrainingData) -> None:
        super().__init__(model, [phase], data)
        self.crops = data.crops
        classes = len(data.crops.classes)
        self.pairs = SamePersonPairs(data.crops.subjects, data.crops.labels, classes)

    def begin(self, phase: int) -> None:
        rate = self.phases[phase].learning_rate
        self.optimizers = {"generator": torch.optim.Adam(self.model.parameters(), lr=rate)}

    def step(self, index: int) -> dict[str, Tensor]:
        """Edit faces to another expression of the same person, and compare with that face."""
        crops = self.crops
        faces, _ = self.order.even(self.phases[0].batch)
        another = (crops.labels[faces] + 1) % len(crops.classes)
        wanted, _ = self.pairs.take(faces, another, self.order.random)
        made = self.model.edit(crops.batch(faces), self._target(faces, wanted)).images
        loss = (made - crops.batch(wanted)).abs().mean()
        self.optimizers["generator"].zero_grad()
        loss.backward()
        self.optimizers["generator"].step()
        return {"pixel": loss.detach()}

    def samples(self) -> Samples:
        faces = self.crops.examples(4)
        x = self.crops.batch(faces)
        made = self.model.edit(x, self._target(faces, faces.roll(1))).images
        return Samples("training faces", [SampleTable([x, made], ["source", "edit"])])

    def _target(self, faces: Tensor, wanted: Tensor) -> Target:
        values: Tensor = getattr(self.crops, self.model.driver)
        name = self.model.driver
        return Target(**{name: values[wanted], f"source_{name}": values[faces]})


class ToySetup(TrainingSetup):
    """The settings before weights are made."""

    def __init__(self, network: type[ToyNetwork], networks: ToyConfig, phase: Phase) -> None:
        super().__init__(network, networks)
        self.network, self.phase = network, phase

    def phases(self, faces: int) -> list[Phase]:
        return [self.phase]

    def identity(self) -> dict[str, Any]:
        return {"batch": self.phase.batch, "learning_rate": self.phase.learning_rate}

    def activations(self) -> int:
        return 4 * self.phase.batch * self.networks.width * self.networks.size**2

    def trainer(self, data: TrainingData) -> ToyTrainer:
        device = str(data.crops.images.device)
        model = build_network(self.network, self.networks, device, data.seed)
        return ToyTrainer(model.train(), self.phase, data)


def setup(
    network: type[ToyNetwork],
    settings: TrainConfig,
    classes: Sequence[str],
    features: FeatureLoader,
) -> ToySetup:
    config = ToyConfig(preset=settings.preset, classes=tuple(classes), size=settings.size or 32)
    rate = settings.learning_rate or 1e-2
    phase = Phase("edits", settings.steps or 20, settings.batch or 8, rate)
    return ToySetup(network, config, phase)


def spec(network: type[ToyNetwork]) -> Spec:
    return Spec(
        kind=network.kind,
        network=network,
        presets=("modern", "tiny"),
        driven_by=frozenset({network.driver}),
        parse=ToyConfig.from_json,
        setup=partial(setup, network),
    )


@contextmanager
def registered() -> Iterator[None]:
    """Register both kinds. A kind of the package has a line in `registry.KINDS` instead."""
    for network in (ActionUnitToy, LandmarkToy):
        register(spec(network))
    try:
        yield
    finally:
        for network in (ActionUnitToy, LandmarkToy):
            unregister(network.kind)
