"""What a running command says: lines in a log file, a bar on a terminal, nothing when quiet."""

import io

import pytest

from faceprep import progress
from faceprep.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_file_gets_one_line_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    stream = io.StringIO()
    with Progress(stream=stream) as bar:
        bar.start("align", 400)
        for done in (0, 100, 200, 300, 400):  # ten seconds apart, a line every thirty
            bar.update(done)
    assert stream.getvalue() == "align: 200 of 400 (50%), 6.7/s, 0:30 left\n"


def test_a_terminal_gets_a_bar_and_messages_above_it() -> None:
    stream = Terminal()
    with Progress(stream=stream) as bar:
        bar.start("align", 400)
        bar.update(100)
        bar.say("a message")
    assert "100/400" in stream.getvalue()
    assert "a message" in stream.getvalue()


def test_quiet_is_quiet() -> None:
    stream = Terminal()
    with Progress(quiet=True, stream=stream) as bar:
        bar.start("align", 10)
        bar.update(5)
        bar.say("a message")
    assert stream.getvalue() == ""


def test_a_long_wait_is_told_in_hours() -> None:
    assert progress._clock(3725) == "1:02:05"
    assert progress._clock(65) == "1:05"
