"""Stop a training after the current step when a signal arrives."""

import signal
from types import FrameType

#: Schedulers send SIGTERM or SIGUSR1 before they end a job.
_SIGNALS = ("SIGTERM", "SIGUSR1", "SIGINT", "SIGHUP")


class StopSignals:
    """Record a signal inside a ``with`` block; a second SIGINT interrupts immediately.

    Attributes
    ----------
    received
        Name of the signal; None before one arrives.
    """

    def __init__(self) -> None:
        self.received: str | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> "StopSignals":
        for name in _SIGNALS:
            number = getattr(signal, name)
            if name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup
            try:
                self._before[number] = signal.signal(number, self._take)
            except ValueError:  # outside the main thread, where Python cannot handle signals
                return self
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _take(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self.received == name == "SIGINT":
            raise KeyboardInterrupt
        self.received = name
