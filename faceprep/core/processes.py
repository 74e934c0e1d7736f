"""Recognise the temporary files and folders of processes that no longer run.

The owner is part of the name: ``part-00000.<host>-<pid>.tmp`` is the folder of an unfinished shard,
``<file>.<pid>@<host>.tmp`` a file being written, with ``<host>`` by `here`. There are no locks: a
name whose process has ended has no effect.
"""

import contextlib
import os
import re
import socket
import time
from pathlib import Path

#: Folder of an unfinished shard.
PENDING = re.compile(r"part-(?P<shard>\d{5,})\.(?P<host>.+)-(?P<pid>\d+)\.tmp")
_FILE = re.compile(r".+\.(?P<pid>\d+)(@(?P<host>.+))?\.tmp")
_STALE_SECONDS = 24 * 3600
_CLOCK_DIFFERENCE = 300  # seconds, largest between this machine and its file server
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_INITIAL_NAMESPACE = 0xEFFFFFFC  # PID_NS_INIT_INO of linux/nsfs.h


def here() -> str:
    """Return the name of the host, with the PID namespace of a container that has its own.

    Process numbers of another PID namespace have no meaning here, although the host's name is the
    same; its files are treated like those of another host.
    """
    host = socket.gethostname()
    try:
        namespace = _PID_NAMESPACE.stat().st_ino
    except OSError:  # not Linux
        return host
    return host if namespace == _INITIAL_NAMESPACE else f"{host}~{namespace}"


def is_abandoned(entry: os.DirEntry[str]) -> bool:
    """Return whether the owner of a ``.tmp`` is gone; of another host, whether the file is old."""
    owner = PENDING.fullmatch(entry.name) or _FILE.fullmatch(entry.name)
    if owner is None:
        return False
    if owner["host"] in (None, here()):
        return not _is_alive(int(owner["pid"]), entry)
    with contextlib.suppress(OSError):
        return time.time() - entry.stat().st_mtime > _STALE_SECONDS
    return False


def _is_alive(process: int, entry: os.DirEntry[str]) -> bool:
    """Return whether the process that made a ``.tmp`` runs, not a later one of its number."""
    import psutil  # a training runs without psutil

    try:
        began = psutil.Process(process).create_time()
        return bool(began <= entry.stat().st_mtime + _CLOCK_DIFFERENCE)
    except (psutil.NoSuchProcess, OSError):
        return False
