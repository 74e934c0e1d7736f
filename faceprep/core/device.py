"""Choose the device on which networks run."""

from faceprep.core.errors import Again, MissingToolError, UsageError
from faceprep.core.vocabulary import nearest

_KINDS = ("auto", "cpu", "cuda")
_GPU = ("gpu", "nvidia")


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
        meant = "cuda" if wanted.lower() in _GPU else nearest(wanted, _KINDS) or "auto"
        message = f"no device {wanted!r}; there are {', '.join(_KINDS)}"
        raise UsageError(message, Again({"device": meant}))
    if wanted == "cpu":
        return wanted
    import torch  # slow to import

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise MissingToolError("no GPU that torch can use", Again({"device": "cpu"}))
    return "cpu"
