"""Report the progress of a command on stderr: a live bar on a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from faceprep.core.terminal import fitted

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.measure import Measurement
    from rich.text import Text

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
                print(fitted(message, self.stream), file=self.stream, flush=True)

    def start(self, title: str, total: int | None, done: int = 0) -> None:
        """Start the progress of a stage of ``total`` faces (None: unknown).

        The faces ``done`` earlier count for the progress but not for the rate.
        """
        self.finish()
        if not self.quiet:
            kind = _Bar if _moves(self.stream) else _Lines
            self._bar = kind(title, total, self.stream, done)

    def update(self, done: int, note: str = "", below: str = "", left: float | None = None) -> None:
        """Show the number of faces done, with a note beside it and lines below it.

        `left` is the remaining time in seconds; by default it follows from the rate.
        """
        if self._bar is not None:
            self._bar.update(done, note, below, left)

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


def _moves(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that can redraw a line."""
    return stream.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


class _Pace:
    """Rate and remaining time since the start."""

    def __init__(self, total: int | None, before: int) -> None:
        self.total, self.before = total, before
        self.started = time.monotonic()

    def measure(self, now: float, done: int, left: float | None) -> list[str]:
        """Return the remaining time, if it is known, and the rate, as text."""
        rate = (done - self.before) / max(now - self.started, 1e-9)
        if left is None and self.total and rate > 0:
            left = (self.total - done) / rate
        return [*([f"{_clock(left)} left"] if left is not None else []), f"{rate:.1f}/s"]


class _Lines:
    """One plain line every 30 s, for log files."""

    def __init__(self, title: str, total: int | None, stream: TextIO, before: int = 0) -> None:
        self.title, self.stream, self.pace = title, stream, _Pace(total, before)
        self.printed = self.pace.started

    def update(self, done: int, note: str, below: str, left: float | None) -> None:
        now = time.monotonic()
        if now - self.printed < SECONDS_BETWEEN_LINES:
            return
        self.printed, total = now, self.pace.total
        line = f"{self.title}: {done}"
        if total:
            line += f" of {total} ({done / total:.0%})"
        words = [*self.pace.measure(now, done, left), *note.split("  "), *below.splitlines()]
        line += "".join(f", {part}" for part in words if part)
        print(line, file=self.stream, flush=True)

    def finish(self) -> None:
        pass


class _Bar:
    """Live bar with count, remaining time and rate; the note in the width that is left."""

    def __init__(self, title: str, total: int | None, stream: TextIO, before: int = 0) -> None:
        from rich.console import Console, RenderableType
        from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn
        from rich.progress import Progress as Bars
        from rich.table import Column
        from rich.text import Text

        self.below = ""

        class WithLines(Bars):
            def get_renderables(bars) -> Iterable[RenderableType]:
                yield from super().get_renderables()
                yield Text(self.below, style="dim")

        class Words(ProgressColumn):
            def render(self, task: Task) -> RenderableType:
                return _Words(task.fields["words"])

        self.pace = _Pace(total, before)
        console = Console(file=stream)
        self.bars = WithLines(
            TextColumn("{task.description:<9}", table_column=Column(no_wrap=True)),
            BarColumn(min(max(console.width // 5, 4), 40), table_column=Column(no_wrap=True)),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            Words(),
            console=console,
            transient=True,
        )
        self.bars.start()
        self.task = self.bars.add_task(title, total=total, completed=before, words=[])

    def update(self, done: int, note: str, below: str, left: float | None) -> None:
        self.below = below
        words = [*self.pace.measure(time.monotonic(), done, left), *note.split("  ")]
        self.bars.update(self.task, completed=done, words=[word for word in words if word])

    def say(self, message: str) -> None:
        self.bars.console.print(message, markup=False, highlight=False)

    def finish(self) -> None:
        self.bars.stop()


class _Words:
    """One line with as many of the words as it has space for, the first ones first."""

    def __init__(self, words: list[str]) -> None:
        self.words = words

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "Iterable[Text]":
        from rich.text import Text

        words = list(self.words)
        while len("  ".join(words)) > options.max_width and len(words) > 1:
            words.pop()
        yield Text("  ".join(words), no_wrap=True, overflow="crop")

    def __rich_measure__(self, console: "Console", options: "ConsoleOptions") -> "Measurement":
        from rich.measure import Measurement

        return Measurement(1, max(len("  ".join(self.words)), 1))


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def about(seconds: float) -> str:
    """Return an estimated time in one unit: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
