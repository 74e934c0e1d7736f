"""Whose a ``.tmp`` in a workspace is, and whether that process is still at work.

Its name says it: ``part-00000.<host>-<pid>.tmp`` of a shard in hand, ``<file>.<pid>@<host>.tmp`` of
a file being written, where ``<host>`` is what `here` says. No file holds a lock: a name whose
process is gone binds nobody.
"""

import contextlib
import os
import re
import socket
import time
from pathlib import Path

#: Folder of a shard in hand.
PENDING = re.compile(r"part-(?P<shard>\d{5,})\.(?P<host>.+)-(?P<pid>\d+)\.tmp")
_FILE = re.compile(r".+\.(?P<pid>\d+)(@(?P<host>.+))?\.tmp")
_STALE_SECONDS = 24 * 3600
_CLOCKS_DIFFER = 300  # seconds, at most, between this machine's and that of its disk
_NUMBERS = Path("/proc/self/ns/pid")
_FIRST = 0xEFFFFFFC  # the PID namespace in which a machine starts (PID_NS_INIT_INO of linux/nsfs.h)


def here() -> str:
    """Name of the machine, and of the container in it where that numbers its own processes.

    A number says nothing of a process of another PID namespace, though the host has one name: what
    lies there is judged like that of another host.
    """
    host = socket.gethostname()
    try:
        space = _NUMBERS.stat().st_ino
    except OSError:  # no Linux
        return host
    return host if space == _FIRST else f"{host}~{space}"


def is_abandoned(entry: os.DirEntry[str]) -> bool:
    """Whether the process that made a ``.tmp`` is gone; on another host its age decides."""
    owner = PENDING.fullmatch(entry.name) or _FILE.fullmatch(entry.name)
    if owner is None:
        return False
    if owner["host"] in (None, here()):
        return not _is_alive(int(owner["pid"]), entry)
    with contextlib.suppress(OSError):
        return time.time() - entry.stat().st_mtime > _STALE_SECONDS
    return False


def _is_alive(process: int, entry: os.DirEntry[str]) -> bool:
    """Whether the process lives that made a ``.tmp``: another of its number began later."""
    import psutil  # a training, which only reads, does without

    try:
        began = psutil.Process(process).create_time()
        return bool(began <= entry.stat().st_mtime + _CLOCKS_DIFFER)
    except (psutil.NoSuchProcess, OSError):
        return False
