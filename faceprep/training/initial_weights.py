"""Start a training from the weights of an earlier one of the same kind (transfer learning)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from faceprep.core.errors import UsageError
from faceprep.core.files import file_sha256
from faceprep.training.checkpoint import Checkpoint, read_checkpoint
from faceprep.training.checkpoint_format import AVERAGE, GENERATOR


@dataclass(frozen=True)
class InitialWeights:
    """Tensors of a file that fit the networks of a training.

    Attributes
    ----------
    file, sha256
        The file, and the hash of its bytes.
    kept
        Names of the tensors with equal name, shape and type; the averaged weights are taken where
        the file has them.
    fresh
        Names of the other tensors of the networks.
    """

    file: Checkpoint
    sha256: str
    kept: tuple[str, ...]
    fresh: tuple[str, ...]

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        """Overwrite the tensors of `kept`.

        Raises
        ------
        FaceprepError
            The file is damaged, or has NaN or infinite weights.
        """
        tensors, state = self.file.load(), model.state_dict()
        averaged = set(self.file.names(AVERAGE))
        for name in self.kept:
            network = AVERAGE if name in averaged else GENERATOR
            state[name].copy_(tensors[f"network/{network}/{name}"])

    def summary(self) -> str:
        """Count the tensors by network: ``12 tensors kept (encoder 12), 2 fresh (head 2)``."""
        fresh = f"{len(self.fresh)} fresh{_by_network(self.fresh)}"
        return f"{len(self.kept)} tensors kept{_by_network(self.kept)}, {fresh}"

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values for ``train.json``."""
        return {
            "file": str(self.file.path),
            "sha256": self.sha256,
            "classes": self.file.config.get("classes"),
            "kept": list(self.kept),
            "fresh": list(self.fresh),
        }


def match_weights(path: Path, kind: str, networks: nn.Module) -> InitialWeights:
    """Compare a file with the networks of a training, which may be on device ``meta``.

    Raises
    ------
    UsageError
        There is no such file, it is of another kind, or no tensor fits.
    FaceprepError
        The file is damaged.
    """
    if not path.is_file():
        raise UsageError(f"train.init_from: {path} is not a file", "name a generator.safetensors")
    file = read_checkpoint(path)
    if file.kind != kind:
        raise UsageError(
            f"{path} is of the generator '{file.kind}', not '{kind}'",
            f"name a file of a {kind}, or train a {file.kind} with --generator",
        )
    state, found = networks.state_dict(), file.tensors(GENERATOR)
    fits = {name: found.get(name) == (value.shape, value.dtype) for name, value in state.items()}
    kept = [name for name, fit in fits.items() if fit]
    if not kept:
        raise UsageError(
            f"{path} has no tensor with the name and shape of one of these networks",
            f"it is of preset {file.preset}; set train.preset and train.networks as it was trained",
        )
    fresh = [name for name, fit in fits.items() if not fit]
    return InitialWeights(file, file_sha256(path), tuple(kept), tuple(fresh))


def freeze(model: nn.Module, names: Sequence[str]) -> int:
    """Exclude parameters from the training; return the number of their values.

    Parameters
    ----------
    names
        Beginnings of their names, e.g. ``encoder``.

    Raises
    ------
    UsageError
        No parameter has such a name, or none is left to train.
    """
    parameters = dict(model.named_parameters())
    for name in names:
        if not any(one.startswith(name) for one in parameters):
            known = ", ".join(dict.fromkeys(one.partition(".")[0] for one in parameters))
            raise UsageError(f"train.freeze: no parameter begins with '{name}'", f"one of: {known}")
    frozen = [one for name, one in parameters.items() if name.startswith(tuple(names))]
    if len(frozen) == len(parameters):
        raise UsageError("train.freeze: no parameter is left to train", "freeze fewer networks")
    for one in frozen:
        one.requires_grad_(False)
    return sum(one.numel() for one in frozen)


def _by_network(names: Sequence[str]) -> str:
    counts = Counter(name.partition(".")[0] for name in names)
    return f" ({', '.join(f'{name} {count}' for name, count in counts.items())})" if counts else ""
