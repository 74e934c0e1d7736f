"""Running a foreign program to its end, or ending it: time limits, last words, no orphans."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_LONGEST_WORDS = 200
_TAIL_BYTES = 1 << 16
_POLL_SECONDS = 0.02
_LOOK_SECONDS = 0.5
_GRACE_SECONDS = 3.0
_CHATTER = ("[WARN]", "[INFO]", "[DEBUG]")  # of OpenCV, after whatever was said last

#: A program computes on one thread; -j says how many of them run.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
}

# Becomes the program. On Linux the kernel asks it to end when the process that started it dies,
# however that dies (`docker run` hands SIGTERM on, nothing else); to set this up between fork and
# exec is not safe beside other threads.
_LAUNCHER = """
import os, signal, sys
parent, command = int(sys.argv[1]), sys.argv[2:]
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))  # PR_SET_PDEATHSIG
except (ImportError, OSError, AttributeError):
    pass
if os.getppid() != parent:
    sys.exit("nobody waits for it any more")
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
try:
    os.execvp(command[0], command)
except OSError as error:
    sys.exit(f"cannot be started: {error.strerror}")
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended.

    Attributes
    ----------
    fault
        What went wrong; ``None`` when it ended well.
    words
        The last thing that it said, one line; empty when it said nothing.
    """

    fault: str | None
    words: str

    @property
    def reason(self) -> str:
        """The fault with the last words."""
        return f"{self.fault}: {self.words}" if self.words else f"{self.fault}, saying nothing"


def run_tool(
    command: Sequence[str],
    *,
    output: Path,
    seconds: float,
    patience: float,
    names: Mapping[str, str],
) -> Ended:
    """Run a program to its end, or end it.

    Parameters
    ----------
    command
        Its words.
    output
        Folder of what it writes; a change in there is a sign of life.
    seconds
        How long it may run.
    patience
        How long it may run without a sign of life.
    names
        What its last words may name → what to call it.
    """
    place = Path(command[0]).parent if os.path.isabs(command[0]) else output  # noqa: PTH117
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *command],
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **_ONE_THREAD},
        start_new_session=True,
    )
    said = [_Tail(process.stderr), _Tail(process.stdout)]
    try:
        fault = _wait(process, lambda: _signs(output, said), seconds, patience)
    finally:
        _end(process)
        for tail in said:
            tail.close()
    words = next(filter(None, (_last_words(tail.text(), names) for tail in said)), "")
    return Ended(fault or _status(process.returncode), words)


def _wait(
    process: "subprocess.Popen[bytes]",
    signs: Callable[[], object],
    seconds: float,
    patience: float,
) -> str | None:
    """Wait for the end; return why it has to be ended before."""
    started = alive = looked = time.monotonic()
    last = signs()
    while process.poll() is None:
        time.sleep(_POLL_SECONDS)
        now = time.monotonic()
        if now - looked >= min(_LOOK_SECONDS, patience / 4):
            looked, seen = now, signs()
            if seen != last:
                last, alive = seen, now
        if now - alive > patience:
            return f"gave no sign of life for {patience:g} s (aus.openface_timeout)"
        if now - started > seconds:
            return f"took more than {seconds:g} s (aus.openface_timeout)"
    return None


def _signs(output: Path, said: "Sequence[_Tail]") -> object:
    """What changes while a program works: its files and its words."""
    files = []
    with contextlib.suppress(OSError):
        files = [(entry.name, entry.stat().st_size) for entry in os.scandir(output)]
    return sorted(files), [tail.count for tail in said]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a program and all that it started. Asked first: `docker run` passes only that on."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _status(code: int) -> str | None:
    if code == 0:
        return None
    if code > 0:
        return f"ended with status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


class _Tail:
    """The end of what a program says, read as it speaks: a full pipe would stop it."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream is not None
        self.count = 0
        self._stream = stream
        self._kept: deque[bytes] = deque()
        self._size = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> str:
        return b"".join(self._kept).decode("utf-8", errors="replace")

    def close(self) -> None:
        """Stop reading; somebody who left the group may hold the pipe open for ever."""
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._stream.close()

    def _read(self) -> None:
        descriptor = self._stream.fileno()
        while block := os.read(descriptor, 1 << 16):
            self.count += len(block)
            self._kept.append(block)
            self._size += len(block)
            while self._size - len(self._kept[0]) >= _TAIL_BYTES:
                self._size -= len(self._kept.popleft())


def _last_words(text: str, names: Mapping[str, str]) -> str:
    """Return the last line that says something, without paths and times that differ every run."""
    lines = []
    for line in text.replace("\r", "\n").split("\n"):
        plain = "".join(c if c.isprintable() else " " for c in line)
        plain = re.sub(r"^\[ ?(\w+):\d+@[\d.]+\]", r"[\1]", " ".join(plain.split()))
        if plain and not plain.startswith(_CHATTER) and "--help" not in plain:
            lines.append(plain)
    if not lines:
        return ""
    words = lines[-1]
    if words.startswith("what():") and len(lines) > 1:  # the exception's name stands before it
        words = f"{lines[-2]}, {words}"
    for name, title in names.items():
        words = words.replace(name, title)
    return words if len(words) <= _LONGEST_WORDS else f"{words[: _LONGEST_WORDS - 1]}…"
