"""What every generator answers to, and which generators there are."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from torch import Tensor

from faceprep.core.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

#: Module of every kind of generator. Each has `config_from_json` and `build`.
KINDS = {"exprgan": "faceprep.generators.exprgan"}


@runtime_checkable
class Generator(Protocol):
    """An autoencoder of faces whose decoder takes an expression code.

    Images are ``x: (B, 3, S, S) float32 in [-1, 1], RGB``, labels ``y: (B, K)`` one-hot in {0, 1},
    identities ``g: (B, G)`` and expression codes ``c: (B, K·d)``, class after class. B is the
    batch, S the size, K the number of classes, d the elements of a class (ExprGAN: G 50, d 5).
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """Expressions in the order of the labels."""
        ...

    @property
    def size(self) -> int:
        """Side of the images, pixels."""
        ...

    @property
    def preset(self) -> str:
        """Name of the recipe that the networks follow."""
        ...

    @property
    def identity(self) -> int:
        """Length G of an identity."""
        ...

    @property
    def elements(self) -> int:
        """Elements d of a class in the expression code."""
        ...

    def identities(self, u: Tensor) -> Tensor:
        """New identities ``(B, G)`` from uniform numbers ``(B, G)`` in [-1, 1]."""
        ...

    def encode(self, x: Tensor) -> Tensor:
        """Identities ``(B, G)`` of images ``(B, 3, S, S)``."""
        ...

    def controller(self, y: Tensor, z: Tensor) -> Tensor:
        """Expression codes ``(B, K·d)`` of labels ``(B, K)`` and noise ``(B, d)`` in [-1, 1]."""
        ...

    def decode(self, g: Tensor, c: Tensor, src: Tensor | None = None) -> Tensor:
        """Images ``(B, 3, S, S)`` of identities and codes.

        `src` is the image to be edited, ``(B, 3, S, S)``; a generator that has no path for it
        ignores it, and without it every generator makes the face from `g` alone.
        """
        ...

    def q(self, x: Tensor, y: Tensor) -> Tensor:
        """Expression codes ``(B, K·d)`` read from images with labels ``(B, K)``."""
        ...


def build(kind: str, config: Mapping[str, Any], device: str = "cpu") -> "nn.Module":
    """Make a generator with fresh weights from its kind and its configuration as plain values.

    Parameters
    ----------
    kind
        One of `KINDS`.
    config
        What the configuration's `to_json` gave.
    device
        Where the weights lie; ``meta`` gives names and shapes without any memory.

    Raises
    ------
    UsageError
        The kind is unknown, or a value of the configuration is not allowed.
    """
    if kind not in KINDS:
        raise UsageError(
            f"no generator is called '{kind}'", hint=f"one of {', '.join(sorted(KINDS))}"
        )
    module = import_module(KINDS[kind])
    return cast("nn.Module", module.build(module.config_from_json(config), device=device))
