"""The interface between the training loop and the kinds of generators."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from faceprep.training.crops import Crops, Order
from faceprep.training.health import Finding
from faceprep.training.random_state import Streams
from faceprep.training.ridge import Features

if TYPE_CHECKING:
    from faceprep.config import TrainConfig


@dataclass(frozen=True)
class Phase:
    """A part of a training with its own optimizers."""

    name: str  # name in tables and in the history
    #: Number of steps, and batch size.
    steps: int
    batch: int
    learning_rate: float  # learning rate of the generator, for hints


class Inspection(NamedTuple):
    """Failures detected between two steps, and numbers for the history."""

    findings: list[Finding]
    numbers: dict[str, float]


class SampleTable(NamedTuple):
    """Columns of images ``(N, 3, S, S)`` in [-1, 1], and their titles."""

    columns: list[Tensor]
    titles: list[str]


class Samples(NamedTuple):
    """A sheet of samples: a description, and tables from top to bottom."""

    title: str
    tables: list[SampleTable]


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Data and seed of a training."""

    #: Training faces; faces of the split ``val`` for monitoring, or None.
    crops: Crops
    unseen: Crops | None = None
    features: Features | None = None  # frozen face features, if the setup needs them
    seed: int = 0  # seed of weights, order and noise
    compiled: bool = False  # whether to compile the networks
    say: Callable[[str], None] = lambda message: None  # function that prints one line


class Trainer(ABC):
    """Networks, optimizers and random streams of one training; base class of the kinds' trainers.

    Parameters
    ----------
    model
        The networks, a `faceprep.generators.base.Generator` with a ``config``.

    Attributes
    ----------
    averaged, half_life
        Children of `model` whose weights are averaged, and the half-life in images (0: no average).
    shown
        Losses in the progress bar, in order.
    streams, order
        All random streams, for the checkpoint, and the order of the faces, drawn from one of them.
    optimizers
        Optimizers of the current phase by name.
    notes
        Additions to ``train.json``, JSON-ready.
    """

    averaged: Sequence[str] = ()
    half_life: float = 0.0
    shown: Sequence[str] = ()
    optimizers: Mapping[str, Optimizer]

    def __init__(self, model: Any, phases: Sequence[Phase], data: TrainingData) -> None:
        self.model, self.phases, self.data = model, phases, data
        self.kind: str = model.kind
        self.config: dict[str, Any] = model.config.to_json()
        self.notes: dict[str, Any] = {}
        self.streams = Streams(
            shuffles={"order": np.random.default_rng(data.seed)},
            draws={"noise": torch.Generator().manual_seed(data.seed)},
        )
        self.order = Order(data.crops.labels, self.streams.shuffles["order"], data.seed)

    @abstractmethod
    def begin(self, phase: int) -> None:
        """Begin a phase with fresh optimizers."""

    @abstractmethod
    def step(self, index: int) -> dict[str, Tensor]:
        """Train on one batch; `index` counts from 0 within the phase.

        Returns
        -------
        Unweighted losses and health numbers by name, scalars on the device.
        """

    def measure(self) -> dict[str, Any]:
        """Measure additions to the ``extra`` of the generator's file.

        The model is in eval mode, with its averaged weights.
        """
        return {}

    def inspect(self, recent: Mapping[str, float]) -> Inspection:
        """Detect known failures; `recent` are mean losses over the last steps."""
        return Inspection([], {})

    def samples(self) -> Samples | None:
        """Return samples of the training faces; None for no sheet."""
        return None


class TrainingSetup(ABC):
    """Resolved settings of a training, before networks are built; base class of the kinds' setups.

    Parameters
    ----------
    network, networks
        Class of the networks, and their configuration.

    Attributes
    ----------
    needs_features
        Whether a loss compares face features.
    driven_by
        Fields of the target that the networks read; None: those of the kind.
    sketch
        The networks on device ``meta``: names and shapes without memory.
    """

    needs_features = False
    driven_by: frozenset[str] | None = None

    def __init__(self, network: Any, networks: Any) -> None:
        self.networks = networks
        self.kind: str = network.kind
        self.config: dict[str, Any] = networks.to_json()
        self.size: int = networks.size
        with torch.device("meta"):
            self.sketch = network(networks)

    @abstractmethod
    def phases(self, faces: int) -> list[Phase]:
        """Return the phases for a number of training faces.

        Raises
        ------
        UsageError
            There are too few faces.
        """

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Return the settings that a resumed training must share besides `config`; JSON-ready."""

    def parameters(self) -> dict[str, int]:
        """Return the number of parameters of every network by name."""
        return {
            name: sum(parameter.numel() for parameter in network.parameters())
            for name, network in self.sketch.named_children()
        }

    @abstractmethod
    def activations(self) -> int:
        """Estimate the memory of a step's activations, bytes."""

    @abstractmethod
    def trainer(self, data: TrainingData) -> Trainer:
        """Build networks with fresh weights, on the device of the crops."""


class FeatureLoader(Protocol):
    """Function that loads frozen face features."""

    def __call__(self, device: str = "cpu") -> Features:
        """Load them on a device."""
        ...


class SetupFactory(Protocol):
    """Function that builds the setup of a training from ``[train]``."""

    def __call__(
        self, settings: "TrainConfig", classes: Sequence[str], features: FeatureLoader
    ) -> TrainingSetup:
        """Resolve the settings; `features` is called if their layers determine the networks."""
        ...
