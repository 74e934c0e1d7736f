"""Say which command is at work in a workspace, and refuse another that would undo its work.

Each command holds a lock (``flock``) on a file of its own in ``<workspace>/.working/``, whose
content says who it is and what it makes. The operating system releases the lock when the process
ends, so there are no stale locks. Commands that make the same may run side by side. Where a file
system has no locks, or another machine does not see them, nothing is detected.
"""

import contextlib
import errno
import fcntl
import json
import os
import shlex
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from faceprep.core.errors import TYPED, Hint, Shell, UsageError
from faceprep.core.files import here

_FOLDER, _GATE = ".working", "gate"
_HELD = (errno.EAGAIN, errno.EACCES)


@contextlib.contextmanager
def at_work(root: Path, makes: Mapping[str, str], settings: Mapping[str, Any]) -> Iterator[None]:
    """Hold a lock on what this command makes in a workspace.

    Parameters
    ----------
    makes
        Name of what is made, e.g. ``align`` → hash of how it is made.
    settings
        Dotted key → value, JSON-ready, to tell another command what differs.

    Raises
    ------
    UsageError
        Another command makes one of them differently now.
    """
    folder = root / _FOLDER
    own: IO[str] | None = None
    with contextlib.suppress(OSError):  # no right to write, or no locks
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _GATE).open("a") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            _refuse_others(root, folder, makes, settings)
            own = _claim(folder, makes, settings)
    try:
        yield
    finally:
        if own is not None:
            with contextlib.suppress(OSError):
                Path(own.name).unlink(missing_ok=True)
            own.close()


def _claim(folder: Path, makes: Mapping[str, str], settings: Mapping[str, Any]) -> IO[str]:
    number = 0
    while (path := folder / f"{here()}-{os.getpid()}-{number}.json").exists():
        number += 1
    own = path.open("a")
    fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    who = {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "since": time.time(),
        "typed": list(TYPED.get()),
        "makes": dict(makes),
        "settings": dict(settings),
    }
    own.write(json.dumps(who, default=str))
    own.flush()
    return own


def _refuse_others(
    root: Path, folder: Path, makes: Mapping[str, str], settings: Mapping[str, Any]
) -> None:
    for path in folder.glob("*.json"):
        with contextlib.suppress(OSError, ValueError), path.open("r+") as stream:
            if not _is_held(stream):
                path.unlink(missing_ok=True)  # of a process that was killed
                continue
            other = json.load(stream)
            both = sorted(other["makes"].keys() & makes.keys())
            otherwise = [name for name in both if other["makes"][name] != makes[name]]
            if otherwise:
                raise _refusal(root, otherwise, other, settings)


def _is_held(stream: IO[str]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return True
        raise
    return False


def _refusal(
    root: Path, made: list[str], other: Mapping[str, Any], settings: Mapping[str, Any]
) -> UsageError:
    theirs = other["settings"]
    keys = sorted(key for key in {**theirs, **settings} if theirs.get(key) != settings.get(key))
    differ = [f"{key}: {theirs.get(key)} there, {settings.get(key)} here" for key in keys]
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(other["since"]))
    who = f"process {other['process']} on {other['host']}, since {since}"
    lines = [f"another command makes {', '.join(made)} in {root} now: {who}"]
    if other["typed"]:
        lines.append(f"its command: {shlex.join(other['typed'])}")
    hint: Hint = "wait for it, or choose another folder with --workspace"
    if other["host"] == socket.gethostname():
        end = Shell(("kill", str(other["process"])), note="ends it; what is done stays")
        hint = "wait for it, or:", end
    return UsageError("\n  ".join([*lines, *differ]), hint)
