"""Signals that ask a training to stop after the step at hand."""

import signal
from types import FrameType, TracebackType

#: SIGTERM and SIGUSR1 are what schedulers send before they take a job away.
_ASKING = ("SIGTERM", "SIGUSR1", "SIGINT")


class StopSignals:
    """While it is open, a signal is remembered; a second SIGINT interrupts at once.

    Attributes
    ----------
    received
        Name of the signal, None as long as there was none.
    """

    def __init__(self) -> None:
        self.received: str | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> "StopSignals":
        for name in _ASKING:
            number = getattr(signal, name)
            try:
                self._before[number] = signal.signal(number, self._take)
            except ValueError:  # not in the main thread, where Python handles none
                return self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _take(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self.received == name == "SIGINT":
            raise KeyboardInterrupt
        self.received = name
