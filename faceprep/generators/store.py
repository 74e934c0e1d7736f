"""Save and load a generator for inference, from a file or from a workspace.

`training.checkpoint` reads files for resuming.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from faceprep.core.errors import Remedy, UsageError
from faceprep.core.vocabulary import DEFAULT_GENERATOR
from faceprep.generators.base import Generator
from faceprep.generators.registry import spec_of
from faceprep.training.checkpoint import Checkpoint, read_checkpoint
from faceprep.training.checkpoint_format import AVERAGE, GENERATOR, DamagedCheckpoint, refuse
from faceprep.training.checkpoint_writer import write_checkpoint


def save_generator(
    path: Path,
    kind: str,
    model: nn.Module,
    config: Mapping[str, Any],
    average: Mapping[str, Tensor] | None = None,
    progress: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write a generator for inference, with its discriminators (including Q).

    `path`: ``generator.safetensors``.
    `kind`, `model`, `config`: kind of the generator, its networks, and their configuration as plain
        values.
    `average`: `EMA.state`.
    `progress`, `extra`: position of the training; further JSON, e.g. a calibration.
    """
    networks: dict[str, nn.Module | Mapping[str, Tensor]] = {GENERATOR: model}
    if average is not None:
        networks[AVERAGE] = average
    write_checkpoint(
        path, kind=kind, config=config, networks=networks, progress=progress, extra=extra
    )


def load_generator(
    path: Path,
    *,
    device: torch.device | str = "cpu",
    preset: str | None = None,
    classes: Sequence[str] | None = None,
    averaged: bool = True,
) -> tuple[Generator, Checkpoint]:
    """Read a generator in eval mode without gradients.

    Parameters
    ----------
    path
        A file of `save_generator` or of a training.
    preset, classes
        Required preset and expressions; None accepts any.
    averaged
        Use the averaged weights if the file has them.

    Raises
    ------
    FaceprepError
        The file is damaged or malicious, or has another preset or classes. Names, shapes and types
        are checked against the configuration before memory is allocated.
    """
    file = read_checkpoint(path)
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
    return cast(Generator, model.eval().requires_grad_(False)), file


def _like_average(model: nn.Module, file: Checkpoint) -> dict[str, Tensor]:
    """Return empty tensors for the averaged weights in the file, if any."""
    names = file.names(AVERAGE)
    state: dict[str, Tensor] = model.state_dict()
    return {name: torch.empty_like(state[name]) for name in names if name in state}


def load_trained(
    workspace: Path, generator: str = DEFAULT_GENERATOR, device: str = "cpu"
) -> tuple[Generator, Checkpoint]:
    """Load the trained generator of a workspace, and the header of its file.

    Raises
    ------
    UsageError
        There is none.
    FaceprepError
        The file is damaged.
    """
    from faceprep.workspace.discover import trained_file

    path = trained_file(workspace, generator)
    with _trained_again(workspace):
        return load_generator(path, device=device)


def read_trained(
    workspace: Path, generator: str = DEFAULT_GENERATOR, *, whole: bool = False
) -> Checkpoint:
    """Read the header of a workspace's trained generator.

    Parameters
    ----------
    whole
        Also read the tensors and verify their hash.

    Raises
    ------
    UsageError
        There is none.
    FaceprepError
        It is damaged.
    """
    from faceprep.workspace.discover import trained_file

    path = trained_file(workspace, generator)
    with _trained_again(workspace):
        file = read_checkpoint(path)
        if whole:
            file.load()
    return file


@contextmanager
def _trained_again(workspace: Path) -> Iterator[None]:
    """Replace the hint of a damaged file by the training command of this workspace."""
    try:
        yield
    except DamagedCheckpoint as error:
        again = replace(cast(Remedy, error.hint), workspace=workspace)
        raise DamagedCheckpoint(error.message, again) from None
