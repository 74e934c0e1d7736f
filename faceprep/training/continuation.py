"""Check that a checkpoint belongs to the resuming training."""

from typing import Any

from faceprep.training.checkpoint import Checkpoint
from faceprep.training.checkpoint_format import TRAIN_AGAIN, plain, refuse
from faceprep.training.trainer import Identity


def check_same(file: Checkpoint, identity: Identity) -> None:
    """Refuse to resume from a checkpoint of another training.

    Raises
    ------
    FaceprepError
        They differ; the message names the first difference.
    """
    preset = identity.config.get("preset")
    file.expect(kind=identity.kind, preset=preset, config=identity.config)
    if not file.resumable:
        refuse(file.path, "it is for use only")
    for key, value in plain(identity.facts).items():
        found = file.extra.get(key)
        if found != value:
            what = _difference(key, found, value)
            refuse(
                file.path,
                f"it is of another training: {what}",
                hint=("set it back, choose another --workspace, or train again: ", TRAIN_AGAIN),
            )


def _difference(key: str, found: Any, wanted: Any) -> str:
    """Return the innermost difference as text."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        names = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
        return _difference(names[0], found.get(names[0]), wanted.get(names[0]))
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        pairs = [(a, b) for a, b in zip(found, wanted, strict=True) if a != b]
        return _difference(key, *pairs[0])
    return f"{key} is {str(found)[:60]}, not {str(wanted)[:60]}"
