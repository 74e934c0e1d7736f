"""A generator in a file, and back: for use, not for resuming (`training.checkpoint` does both)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from faceprep.core.errors import UsageError
from faceprep.generators.registry import spec_of
from faceprep.training import checkpoint
from faceprep.training.checkpoint import Checkpoint
from faceprep.training.tensor_file import refuse

#: Names of the networks in a file: the generator as it was trained, and its averaged weights.
GENERATOR, AVERAGE = "generator", "average"


def save_generator(
    path: Path,
    kind: str,
    model: nn.Module,
    config: Mapping[str, Any],
    average: Mapping[str, Tensor] | None = None,
    progress: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write a generator for use, with the judges it was trained with (Q is among them).

    Parameters
    ----------
    path
        ``generator.safetensors``.
    kind, model, config
        `registry.KINDS`, the networks, their configuration as plain values.
    average
        `EMA.state`.
    progress, extra
        Step and the like; JSON of the user's, e.g. a calibration.
    """
    networks: dict[str, nn.Module | Mapping[str, Tensor]] = {GENERATOR: model}
    if average is not None:
        networks[AVERAGE] = average
    checkpoint.save(
        path, kind=kind, config=config, networks=networks, progress=progress, extra=extra
    )


def load_generator(
    path: Path,
    *,
    device: torch.device | str = "cpu",
    preset: str | None = None,
    classes: Sequence[str] | None = None,
    averaged: bool = True,
) -> tuple[Any, Checkpoint]:
    """Read a generator, in eval mode, without gradients.

    Parameters
    ----------
    path
        A file of `save_generator` or of a training.
    device
        Where it goes.
    preset, classes
        What it has to be of; anything without.
    averaged
        Take the averaged weights where the file has them.

    Raises
    ------
    FaceprepError
        The file is damaged, hostile, or not what was asked for. Its names, shapes and types are
        compared with those of its configuration before any memory is taken for the networks.
    """
    file = checkpoint.read(path)
    file.expect(preset=preset)
    try:
        spec = spec_of(file.kind)
        sketch = spec.build(spec.parse(file.config), device="meta")
    except UsageError as error:
        refuse(path, f"its configuration is not allowed: {error.message}")
    file.check({GENERATOR: sketch})
    if classes is not None and tuple(classes) != tuple(file.config["classes"]):
        found = ", ".join(file.config["classes"])
        refuse(path, f"it knows the expressions {found}, not {', '.join(classes)}")
    model = sketch.to_empty(device=device)
    networks: dict[str, nn.Module | Mapping[str, Tensor]] = {GENERATOR: model}
    average = _like_average(model, file) if averaged else {}
    if average:
        networks[AVERAGE] = average
    file.restore(networks)
    model.load_state_dict(average, strict=False)
    try:
        spec.attach(model, file.extra)
    except UsageError as error:
        refuse(path, error.message)
    return model.eval().requires_grad_(False), file


def _like_average(model: nn.Module, file: Checkpoint) -> dict[str, Tensor]:
    """Empty tensors for the averaged weights in the file, none where it has none."""
    names = file.names(AVERAGE)
    state: dict[str, Tensor] = model.state_dict()
    return {name: torch.empty_like(state[name]) for name in names if name in state}
