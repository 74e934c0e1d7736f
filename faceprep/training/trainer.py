"""The interface between the training loop and the kinds of generators."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

from faceprep.training.crops import Crops
from faceprep.training.expression_head import Features
from faceprep.training.health import Finding
from faceprep.training.random_state import Streams

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
    """Data and seed of a training.

    Attributes
    ----------
    crops, unseen
        Training faces; faces of the split ``val`` for monitoring, or None.
    features
        Frozen face features, if the setup needs them.
    seed
        Seed of weights, order and noise.
    compiled
        Whether to compile the networks.
    say
        Function that prints one line.
    """

    crops: Crops
    unseen: Crops | None = None
    features: Features | None = None
    seed: int = 0
    compiled: bool = False
    say: Callable[[str], None] = lambda message: None


class Trainer(Protocol):
    """Networks, optimizers and random streams of one training.

    Attributes
    ----------
    kind, config
        Name of the generator's kind, and the configuration of its networks as plain values.
    averaged, half_life
        Children of `model` whose weights are averaged, and the half-life in images (0: no average).
    streams
        All random streams, for the checkpoint.
    shown
        Losses in the progress bar, in order.
    notes
        Additions to ``train.json``, JSON-ready.
    """

    kind: str
    config: dict[str, Any]
    averaged: Sequence[str]
    half_life: float
    streams: Streams
    shown: Sequence[str]
    notes: dict[str, Any]

    @property
    def model(self) -> nn.Module:
        """The networks; a `faceprep.generators.base.Generator`."""
        ...

    @property
    def phases(self) -> Sequence[Phase]:
        """Phases in their order."""
        ...

    @property
    def optimizers(self) -> Mapping[str, Optimizer]:
        """Optimizers of the current phase by name."""
        ...

    def begin(self, phase: int) -> None:
        """Begin a phase with fresh optimizers."""
        ...

    def step(self, index: int) -> dict[str, Tensor]:
        """Train on one batch; `index` counts from 0 within the phase.

        Returns
        -------
        Unweighted losses and health numbers by name, scalars on the device.
        """
        ...

    def measure(self) -> dict[str, Any]:
        """Measure additions to the ``extra`` of the generator's file.

        The model is in eval mode, with its averaged weights.
        """
        ...

    def inspect(self, recent: Mapping[str, float]) -> Inspection:
        """Detect known failures; `recent` are mean losses over the last steps."""
        ...

    def samples(self) -> Samples | None:
        """Return samples of the training faces; None for no sheet."""
        ...


class TrainingSetup(Protocol):
    """Resolved settings of a training, before networks are built.

    Attributes
    ----------
    kind, config
        See `Trainer`.
    size
        Side of the images, pixels.
    needs_features
        Whether a loss compares face features.
    """

    kind: str
    config: dict[str, Any]
    size: int
    needs_features: bool

    def phases(self, faces: int) -> list[Phase]:
        """Return the phases for a number of training faces.

        Raises
        ------
        UsageError
            There are too few faces.
        """
        ...

    def identity(self) -> dict[str, Any]:
        """Return the settings that a resumed training must share besides `config`; JSON-ready."""
        ...

    def parameters(self) -> dict[str, int]:
        """Return the number of parameters of every network by name."""
        ...

    def activations(self) -> int:
        """Estimate the memory of a step's activations, bytes."""
        ...

    def trainer(self, data: TrainingData) -> Trainer:
        """Build networks with fresh weights, on the device of the crops."""
        ...


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


@dataclass(frozen=True)
class Identity:
    """Settings that a resumed training must share."""

    #: Kind and configuration of the generator.
    kind: str
    config: Mapping[str, Any]
    #: Settings, seed, data and features of the training; JSON-ready.
    facts: Mapping[str, Any] = field(default_factory=dict)
