"""The interface between the training loop and the kind of generator that it trains."""

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
    """A part of a training with optimizers of its own.

    Attributes
    ----------
    name
        For tables and the history.
    steps, batch
        Its length, and the faces of a step.
    learning_rate
        Of the generator, for hints.
    """

    name: str
    steps: int
    batch: int
    learning_rate: float


class Inspection(NamedTuple):
    """Failures that were found between two steps, and numbers for the history."""

    findings: list[Finding]
    numbers: dict[str, float]


class SampleTable(NamedTuple):
    """Columns of images ``(N, 3, S, S)`` in [-1, 1], and their titles."""

    columns: list[Tensor]
    titles: list[str]


class Samples(NamedTuple):
    """A sheet of samples: what it shows, and its tables from top to bottom."""

    title: str
    tables: list[SampleTable]


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """What a training learns from.

    Attributes
    ----------
    crops, unseen
        Training faces; faces of people who are only watched (split ``val``), or None.
    features
        Frozen face features, where the setup asks for them.
    seed
        Of weights, order and noise.
    compiled
        Compile the networks.
    say
        Prints one line.
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
        Children of `model` whose weights are averaged, and the half-life in images; 0: none.
    streams
        Every random stream, for the checkpoint.
    shown
        Losses that the progress shows, in order.
    notes
        More for ``train.json``, JSON-ready.
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
        """Learn from one batch; `index` counts from 0 within the phase.

        Returns
        -------
        Losses by name, without their weights, and numbers of health: scalars on the device.
        """
        ...

    def measure(self) -> dict[str, Any]:
        """Measure what belongs into the ``extra`` of the generator's file.

        The model is in eval mode, with its averaged weights.
        """
        ...

    def inspect(self, recent: Mapping[str, float]) -> Inspection:
        """Look for known failures; `recent` are means of the losses over the last steps."""
        ...

    def samples(self) -> Samples | None:
        """Return samples of the training faces, None for no sheet."""
        ...


class TrainingSetup(Protocol):
    """Resolved settings of a training, before weights are made.

    Attributes
    ----------
    kind, config
        As in `Trainer`.
    size
        Side of the images, pixels.
    needs_features
        Whether a loss looks at face features.
    """

    kind: str
    config: dict[str, Any]
    size: int
    needs_features: bool

    def phases(self, faces: int) -> list[Phase]:
        """Return the phases with so many training faces.

        Raises
        ------
        UsageError
            There are too few faces.
        """
        ...

    def identity(self) -> dict[str, Any]:
        """Return the settings that a continuation must share, beside `config`; JSON-ready."""
        ...

    def parameters(self) -> dict[str, int]:
        """Return the number of parameters of every network by name."""
        ...

    def activations(self) -> int:
        """Estimate the bytes that a step keeps for its backward pass."""
        ...

    def trainer(self, data: TrainingData) -> Trainer:
        """Make networks with fresh weights, on the device of the crops."""
        ...


class FeatureLoader(Protocol):
    """Loads frozen face features."""

    def __call__(self, device: str = "cpu") -> Features:
        """Load them on a device."""
        ...


class SetupFactory(Protocol):
    """Makes the setup of a training from the settings of ``[train]``."""

    def __call__(
        self, settings: "TrainConfig", classes: Sequence[str], features: FeatureLoader
    ) -> TrainingSetup:
        """Resolve the settings; `features` is called where their layers decide the networks."""
        ...


@dataclass(frozen=True)
class Identity:
    """What a continuation must have in common with its beginning.

    Attributes
    ----------
    kind, config
        Of the generator.
    facts
        Settings of the training, seed, data and features; JSON-ready.
    """

    kind: str
    config: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
