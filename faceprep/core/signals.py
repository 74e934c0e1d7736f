"""Stop a command at SIGTERM or SIGHUP as at Ctrl-C, and tell its exit code."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = ("SIGTERM", "SIGHUP")


class Interruption:
    """Raise `KeyboardInterrupt` at SIGTERM and SIGHUP inside a ``with`` block.

    Schedulers and ``timeout`` may send a signal twice; the second one is ignored, so that workers
    are still ended. Signals that are ignored or handled already (``nohup``, a test) stay so.

    Attributes
    ----------
    received
        Number of the signal; SIGINT, which Python handles, before one arrives.
    """

    def __init__(self) -> None:
        self.received = signal.SIGINT
        self._set: list[signal.Signals] = []

    @property
    def name(self) -> str:
        """Name of the signal."""
        return self.received.name

    @property
    def exit_code(self) -> int:
        """Code of a process that the signal ended, as shells count: 130, 143, 129."""
        return 128 + self.received

    def __enter__(self) -> "Interruption":
        for name in _SIGNALS:
            number = getattr(signal, name, None)  # no SIGHUP on Windows
            try:
                if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                    signal.signal(number, self._stop)
                    self._set.append(number)
            except ValueError:  # outside the main thread, where Python cannot handle signals
                break
        return self

    def __exit__(self, *_: object) -> None:
        for number in self._set:
            signal.signal(number, signal.SIG_DFL)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.received == signal.SIGINT:
            self.received = signal.Signals(number)
            raise KeyboardInterrupt


@contextlib.contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Block SIGINT and SIGHUP in processes started here.

    Both reach every process of a terminal, but only the command handles them and ends the others.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
