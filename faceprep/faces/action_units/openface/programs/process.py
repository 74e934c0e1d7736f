"""Run an external program with time limits, and leave no processes behind."""

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

_MAX_MESSAGE = 200
_TAIL_BYTES = 1 << 16
_POLL_SECONDS = 0.02
_CHECK_SECONDS = 0.5
_GRACE_SECONDS = 3.0
# Lines of OpenCV that may follow the relevant message.
_LOG_PREFIXES = ("[WARN]", "[INFO]", "[DEBUG]")

#: Each program uses one thread; the number of workers sets how many run at once.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
}

# Replaced by the program. On Linux the kernel sends it SIGTERM when the process that started it
# dies for any reason (`docker run` forwards only SIGTERM). Doing this between fork and exec is not
# safe in a process with several threads.
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
class ProgramEnd:
    """Describe how a program ended."""

    fault: str | None  # description of the error; ``None`` after a success
    message: str  # last line of its output; empty if there was none

    @property
    def reason(self) -> str:
        """Fault with the last message."""
        return f"{self.fault}: {self.message}" if self.message else f"{self.fault}, saying nothing"


def run_program(
    command: Sequence[str],
    *,
    output: Path,
    seconds: float,
    patience: float,
    names: Mapping[str, str],
) -> ProgramEnd:
    """Run a program to its end, or terminate it after a timeout.

    Changes in its `output` folder are signs of progress. `seconds` limits the time, `patience` the
    seconds without a sign of progress. `names` is text in the last message → replacement.
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
        fault = _wait(process, lambda: _progress(output, said), seconds, patience)
    finally:
        _end(process)
        for tail in said:
            tail.close()
    words = next(filter(None, (_last_message(tail.text(), names) for tail in said)), "")
    return ProgramEnd(fault or _status(process.returncode), words)


def _wait(
    process: "subprocess.Popen[bytes]",
    progress: Callable[[], object],
    seconds: float,
    patience: float,
) -> str | None:
    """Wait for the program to end; return why it must be terminated before."""
    started = alive = looked = time.monotonic()
    last = progress()
    while process.poll() is None:
        time.sleep(_POLL_SECONDS)
        now = time.monotonic()
        if now - looked >= min(_CHECK_SECONDS, patience / 4):
            looked, seen = now, progress()
            if seen != last:
                last, alive = seen, now
        if now - alive > patience:
            return f"gave no sign of life for {patience:g} s (aus.openface_timeout)"
        if now - started > seconds:
            return f"took more than {seconds:g} s (aus.openface_timeout)"
    return None


def _progress(output: Path, said: "Sequence[_Tail]") -> object:
    """Return a value that changes while the program makes progress: file sizes and output."""
    files = []
    with contextlib.suppress(OSError):
        files = [(entry.name, entry.stat().st_size) for entry in os.scandir(output)]
    return sorted(files), [tail.count for tail in said]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Terminate a program and its children: first SIGTERM, which `docker run` forwards."""
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
    """Read the output of a program continuously and keep its end; a full pipe would block it."""

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
        """Stop reading; a process that left the group may hold the pipe open."""
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


def _last_message(text: str, names: Mapping[str, str]) -> str:
    """Return the last meaningful line, without paths and times that differ between runs."""
    lines = []
    for line in text.replace("\r", "\n").split("\n"):
        plain = "".join(c if c.isprintable() else " " for c in line)
        plain = re.sub(r"^\[ ?(\w+):\d+@[\d.]+\]", r"[\1]", " ".join(plain.split()))
        if plain and not plain.startswith(_LOG_PREFIXES) and "--help" not in plain:
            lines.append(plain)
    if not lines:
        return ""
    words = lines[-1]
    if words.startswith("what():") and len(lines) > 1:  # the line before names the exception
        words = f"{lines[-2]}, {words}"
    for name, title in names.items():
        words = words.replace(name, title)
    return words if len(words) <= _MAX_MESSAGE else f"{words[: _MAX_MESSAGE - 1]}…"
