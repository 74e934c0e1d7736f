"""Choose the device on which networks run."""

from typing import get_args

from faceprep.core.errors import Again, MissingToolError, UsageError
from faceprep.core.vocabulary import DeviceKind, choice_hint

_KINDS = get_args(DeviceKind)


def choose_device(wanted: str) -> str:
    """Return ``cpu`` or ``cuda``; ``auto`` takes the GPU if torch can use one.

    Raises
    ------
    UsageError
        There is no such kind of device.
    MissingToolError
        A GPU is requested, and there is none.
    """
    if wanted not in _KINDS:
        message = f"no device {wanted!r}; there are {', '.join(_KINDS)}"
        raise UsageError(message, choice_hint("device", wanted, _KINDS))
    if wanted == "cpu":
        return wanted
    import torch  # slow to import

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise MissingToolError("no GPU that torch can use", Again({"device": "cpu"}))
    return "cpu"
