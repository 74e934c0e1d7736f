"""The interface of a generator, and the target of an edit."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar, Protocol, Self, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from faceprep.core.errors import UsageError

_N = TypeVar("_N", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class Target:
    """The requested result for a batch of B faces; each kind reads some of the fields.

    Attributes
    ----------
    expression
        ``(B, K)`` one-hot, in the order of the generator's classes.
    intensity
        ``(B,)`` in [0, 1].
    code
        ``(B, K·d)`` expression code, for generators with codes.
    action_units, source_action_units
        ``(B, 17)`` requested and source intensities in [0, 5], in the order of
        `faceprep.core.vocabulary`.
    landmarks, source_landmarks
        ``(B, 68, 2)`` requested and source points, pixels of the crop divided by its side.
    """

    expression: Tensor | None = None
    intensity: Tensor | None = None
    code: Tensor | None = None
    action_units: Tensor | None = None
    landmarks: Tensor | None = None
    source_action_units: Tensor | None = None
    source_landmarks: Tensor | None = None

    def require(self, name: str) -> Tensor:
        """Return a field by name.

        Raises
        ------
        ValueError
            The field is None.
        """
        value: Tensor | None = getattr(self, name)
        if value is None:
            raise ValueError(f"the target has no {name}")
        return value

    def rows(self, start: int, stop: int) -> "Target":
        """Return the target of the faces from `start` up to `stop`."""
        return replace(self, **{name: each[start:stop] for name, each in self._given().items()})

    def to(self, device: torch.device | str) -> "Target":
        """Return the target on a device."""
        return replace(self, **{name: each.to(device) for name, each in self._given().items()})

    def _given(self) -> dict[str, Tensor]:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Edited:
    """Edited faces.

    Attributes
    ----------
    images
        ``(B, 3, S, S) float32`` in [-1, 1], RGB.
    parts
        Intermediate images by name (flow, mask, residual …), for sheets and health checks.
    """

    images: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)


@runtime_checkable
class Generator(Protocol):
    """Interface of a generator, which edits faces.

    Images are ``x: (B, 3, S, S) float32 in [-1, 1], RGB``. B is the batch, S the size, K the number
    of classes.
    """

    @property
    def kind(self) -> str:
        """Name in `faceprep.generators.registry.KINDS`."""
        ...

    @property
    def preset(self) -> str:
        """Name of the preset of the networks."""
        ...

    @property
    def size(self) -> int:
        """Side of the images, pixels."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Expressions in the order of the labels."""
        ...

    def edit(self, images: Tensor, target: Target) -> Edited:
        """Edit faces ``(B, 3, S, S)`` in [-1, 1] towards a target of B faces."""
        ...


@runtime_checkable
class MakesNewFaces(Generator, Protocol):
    """Interface of generators that make faces without a source."""

    @property
    def identity(self) -> int:
        """Length G of an identity."""
        ...

    def new_faces(self, u: Tensor, target: Target) -> Edited:
        """Generate faces from uniform numbers ``(B, G)`` in [-1, 1] and a target of B faces."""
        ...


@runtime_checkable
class HasExpressionCode(Generator, Protocol):
    """Interface of generators with separate codes of identity and expression.

    Identities are ``g: (B, G)``, labels ``y: (B, K)`` one-hot. Expression codes are
    ``c: (B, K·d)``, class after class, with d elements per class.
    """

    @property
    def identity(self) -> int:
        """Length G of an identity."""
        ...

    @property
    def elements(self) -> int:
        """Number d of elements per class in the expression code."""
        ...

    def identities(self, u: Tensor) -> Tensor:
        """Return new identities ``(B, G)`` from uniform numbers ``(B, G)`` in [-1, 1]."""
        ...

    def encode(self, x: Tensor) -> Tensor:
        """Return identities ``(B, G)`` of images ``(B, 3, S, S)``."""
        ...

    def controller(self, y: Tensor, z: Tensor) -> Tensor:
        """Return expression codes of labels ``(B, K)`` and noise ``(B, d)`` in [-1, 1]."""
        ...

    def decode(self, g: Tensor, c: Tensor, src: Tensor | None = None) -> Tensor:
        """Decode identities and codes to images; `src` ``(B, 3, S, S)`` are the faces to edit."""
        ...

    def q(self, x: Tensor, y: Tensor) -> Tensor:
        """Return expression codes read from images with labels ``(B, K)``."""
        ...


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Base class of the configuration of a kind's networks, which is stored in their file."""

    title: ClassVar[str] = "the generator"  # name of the kind in errors
    preset: str
    classes: tuple[str, ...]  # K expressions in the order of the labels
    size: int  # side of the images, pixels

    def to_json(self) -> dict[str, Any]:
        """Return plain values, tuples as lists."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Build a configuration from plain values.

        Raises
        ------
        UsageError
            A key is unknown or missing; subclasses also check the values.
        """
        unknown = sorted(set(values) - {each.name for each in fields(cls)})
        if unknown:
            raise UsageError(f"{cls.title} has no setting '{unknown[0]}'")
        missing = [name for name in ("preset", "classes", "size") if name not in values]
        if missing:
            raise UsageError(f"{cls.title}'s configuration lacks '{missing[0]}'")
        lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        return cls(**{**values, **lists})


class GeneratorNetwork(nn.Module):
    """Base class of the networks of a kind: the attributes of a `Generator`."""

    kind: str

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.preset, self.size, self.classes = config.preset, config.size, config.classes


def build_network(
    network: type[_N], config: Any, device: str = "cpu", seed: int | None = None
) -> _N:
    """Build networks with fresh weights.

    Parameters
    ----------
    network, config
        Class of the networks, and their configuration.
    device
        ``meta`` gives names and shapes without memory. Otherwise weights are drawn on the CPU, so
        that a seed gives equal weights on all devices.
    seed
        Seed of the weights; the global random state is unchanged. None uses the global state.
    """
    if device == "meta":
        with torch.device("meta"):
            return network(config)
    if seed is None:
        return network(config).to(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network(config).to(device)
