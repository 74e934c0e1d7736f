"""Report the progress of a command on stderr: a live bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable
from typing import TextIO

SECONDS_BETWEEN_LINES = 30.0


class Progress:
    """Messages and the progress of one stage at a time.

    Parameters
    ----------
    quiet
        Print nothing.
    stream
        Output; a live bar is drawn if it is a terminal.
    """

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.quiet = quiet
        self.stream = stream or sys.stderr
        self._bar: _Bar | _Lines | None = None
        self._status, self._status_at = "", -SECONDS_BETWEEN_LINES

    def say(self, message: str) -> None:
        """Print one line."""
        if not self.quiet:
            if isinstance(self._bar, _Bar):
                self._bar.say(message)
            else:
                print(message, file=self.stream, flush=True)

    def start(self, title: str, total: int | None, done: int = 0) -> None:
        """Start the progress of a stage of ``total`` faces (None: unknown).

        The faces ``done`` earlier count for the progress but not for the rate.
        """
        self.finish()
        if not self.quiet:
            self._bar = (_Bar if self.stream.isatty() else _Lines)(title, total, self.stream, done)

    def update(self, done: int, note: str = "", below: str = "") -> None:
        """Show the number of faces done, with a note beside it and lines below it."""
        if self._bar is not None:
            self._bar.update(done, note, below)

    def status(self, title: str, detail: str = "") -> None:
        """Print the state of remote work, when it changes and every `SECONDS_BETWEEN_LINES`."""
        now = time.monotonic()
        if title == self._status and now - self._status_at < SECONDS_BETWEEN_LINES:
            return
        self._status, self._status_at = title, now
        self.say(f"{title}: {detail}" if detail else title)

    def finish(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.finish()
            self._bar = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()


class _Lines:
    """One plain line every 30 s, for log files."""

    def __init__(self, title: str, total: int | None, stream: TextIO, before: int = 0) -> None:
        self.title, self.total, self.stream, self.before = title, total, stream, before
        self.started = self.printed = time.monotonic()

    def update(self, done: int, note: str = "", below: str = "") -> None:
        now = time.monotonic()
        if now - self.printed < SECONDS_BETWEEN_LINES:
            return
        self.printed = now
        rate = (done - self.before) / max(now - self.started, 1e-9)
        line = f"{self.title}: {done}"
        if self.total:
            line += f" of {self.total} ({done / self.total:.0%})"
        line += f", {rate:.1f}/s"
        if self.total and rate > 0:
            line += f", {_clock((self.total - done) / rate)} left"
        words = [note, *below.splitlines()]
        line += "".join(f", {part}" for part in words if part)
        print(line, file=self.stream, flush=True)

    def finish(self) -> None:
        pass


class _Bar:
    """Live bar with rate and remaining time."""

    def __init__(self, title: str, total: int | None, stream: TextIO, before: int = 0) -> None:
        from rich.console import Console, RenderableType
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars
        from rich.text import Text

        self.below = ""

        class WithLines(Bars):
            def get_renderables(bars) -> Iterable[RenderableType]:
                yield from super().get_renderables()
                yield Text(self.below, style="dim")

        self.started, self.before = time.monotonic(), before
        self.bars = WithLines(
            TextColumn("{task.description:<9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=Console(file=stream),
            transient=True,
        )
        self.bars.start()
        self.task = self.bars.add_task(title, total=total, completed=before, rate="", note="")

    def update(self, done: int, note: str = "", below: str = "") -> None:
        self.below = below
        rate = (done - self.before) / max(time.monotonic() - self.started, 1e-9)
        self.bars.update(self.task, completed=done, rate=f"{rate:.1f}/s", note=note)

    def say(self, message: str) -> None:
        self.bars.console.print(message, markup=False, highlight=False)

    def finish(self) -> None:
        self.bars.stop()


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
