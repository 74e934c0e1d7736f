"""Choose the device on which networks run."""

from faceprep.core.errors import MissingToolError, UsageError


def choose_device(wanted: str) -> str:
    """Return ``cpu`` or ``cuda``; ``auto`` takes the GPU if torch can use one.

    Raises
    ------
    UsageError
        There is no such kind of device.
    MissingToolError
        A GPU is requested, and there is none.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise UsageError(f"no device {wanted!r}", "--device auto, cpu or cuda")
    if wanted == "cpu":
        return wanted
    import torch  # slow to import

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise MissingToolError("no GPU that torch can use", "--device cpu")
    return "cpu"
