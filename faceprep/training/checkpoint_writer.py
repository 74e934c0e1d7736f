"""Write checkpoints.

A file is written beside its destination and then moved, so that a killed process leaves either the
old or the new file.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from faceprep.core.errors import Again, FaceprepError
from faceprep.core.files import atomic_write, write_failure
from faceprep.training import optimizer_state, random_state
from faceprep.training.checkpoint import read_checkpoint
from faceprep.training.checkpoint_format import (
    DOCUMENT,
    FORMAT,
    Scalar,
    State,
    digest,
    finite,
    plain,
    tensors_of,
)
from faceprep.training.random_state import Streams


def write_checkpoint(
    path: Path,
    *,
    kind: str,
    config: Mapping[str, Any],
    networks: Mapping[str, State],
    optimizers: Mapping[str, Optimizer] | None = None,
    streams: Streams | None = None,
    progress: Mapping[str, Scalar] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint atomically.

    Parameters
    ----------
    path
        ``….safetensors``; its folder must exist.
    kind, config
        Kind of the generator, and its configuration as plain values, including ``preset``.
    networks
        Networks by name (without a slash).
    optimizers, streams
        State for resuming; without it the file is for inference only.
    progress
        Step, epoch, images seen, stage: the position of the loop.
    extra
        Further JSON, e.g. a calibration of the intensity.

    Raises
    ------
    FaceprepError
        A weight is NaN or infinite, or the file cannot be written; the earlier file is kept.
    """
    tensors = {
        f"network/{name}/{key}": value
        for name, state in networks.items()
        for key, value in tensors_of(state).items()
    }
    broken = next((name for name, value in tensors.items() if not finite(value)), None)
    if broken is not None:
        raise FaceprepError(
            f"'{broken}' holds NaN or infinite values, so {path} was not written",
            hint=Again(note="resumes from the last good checkpoint"),
        )
    document: dict[str, Any] = {
        "format": FORMAT,
        "kind": kind,
        "preset": config.get("preset"),
        "config": dict(config),
        "progress": dict(progress or {}),
        "extra": dict(extra or {}),
        "optimizers": {},
    }
    for name, optimizer in (optimizers or {}).items():
        states, settings = optimizer_state.capture(optimizer)
        tensors |= {f"optimizer/{name}/{key}": value for key, value in states.items()}
        document["optimizers"][name] = settings
    if streams is not None:
        states, document["random"] = random_state.capture(streams)
        tensors |= {f"random/{key}": value for key, value in states.items()}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    document = plain(document)
    document["sha256"] = digest(tensors, document)
    _write(path, tensors, json.dumps(document))


def add_extra(path: Path, values: Mapping[str, Any]) -> None:
    """Rewrite a checkpoint with additional JSON in ``extra``.

    Raises
    ------
    FaceprepError
        The file is damaged, or cannot be written; it is unchanged.
    """
    file = read_checkpoint(path)
    tensors = file.load()
    document = plain({**file.document, "extra": {**file.extra, **values}})
    document["sha256"] = digest(tensors, document)
    _write(path, tensors, json.dumps(document))


def _write(path: Path, tensors: dict[str, Tensor], document: str) -> None:
    try:
        with atomic_write(path, sync=True) as temporary:
            save_file(tensors, temporary, metadata={DOCUMENT: document})
    except (OSError, SafetensorError) as error:
        size = sum(value.numel() * value.element_size() for value in tensors.values())
        raise FaceprepError(
            write_failure(error, path, size),
            hint=Again({"overwrite": False}, note="when there is space"),
        ) from None
