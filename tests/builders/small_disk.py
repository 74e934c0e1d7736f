"""A file system of its own that can be filled, for tests of a full disk."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """A mounted file system."""

    folder: Path

    def leave(self, size: int) -> None:
        """Fill it so that `size` bytes, rounded up to a block, are free."""
        self.clear()
        free = shutil.disk_usage(self.folder).free
        (self.folder / "filler").write_bytes(bytes(free - -(-size // 4096) * 4096))

    def clear(self) -> None:
        """Make room."""
        (self.folder / "filler").unlink(missing_ok=True)


@contextlib.contextmanager
def mounted(folder: Path, megabytes: int = 64) -> Iterator[SmallDisk]:
    """Mount a file system; the test skips where it cannot."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        done = False
    if not done:
        pytest.skip("mounting a small file system takes root on Linux")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a test may still have mapped a file of it.
        subprocess.run(["umount", "-l", str(folder)], check=False)
