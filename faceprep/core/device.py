"""Where a generator runs."""

import torch

from faceprep.core.errors import MissingToolError, UsageError


def choose_device(wanted: str) -> str:
    """Where a generator runs: ``auto`` takes the GPU where there is one.

    Raises
    ------
    UsageError
        There is no such kind of device.
    MissingToolError
        There is no GPU.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise UsageError(f"no device {wanted!r}", "--device auto, cpu or cuda")
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise MissingToolError("no GPU that torch can use", "--device cpu")
    return wanted
