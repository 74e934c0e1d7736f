"""The marker of a finished shard."""

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Marker:
    """Record of a finished shard.

    Attributes
    ----------
    stage, shard
        Stage and number of the shard.
    input, config
        Hashes of the input and of the settings; equal hashes mean equal output.
    rows, status
        Number of rows, and of rows by status.
    sha256
        Hash of the part file.
    files, bytes
        Number of images and their total size.
    seconds, host
        Duration and machine, the only fields that differ between equal runs.
    """

    stage: str
    shard: int
    input: str
    config: str
    rows: int
    status: dict[str, int]
    sha256: str
    files: int
    bytes: int
    seconds: float = 0.0
    host: str = field(default_factory=socket.gethostname)


def measure(folder: Path) -> tuple[int, int]:
    """Return the number and the total size of the files in a folder."""
    try:
        sizes = [entry.stat().st_size for entry in os.scandir(folder)]
    except FileNotFoundError:
        return 0, 0
    return len(sizes), sum(sizes)
