"""Progress: lines in a log file, a bar on a terminal, nothing when quiet."""

import io

import pytest

from faceprep.core import progress
from faceprep.core.progress import Progress


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
    assert stream.getvalue() == "align: 200 of 400 (50%), 0:30 left, 6.7/s\n"


def test_a_terminal_gets_a_bar_and_messages_above_it() -> None:
    stream = Terminal()
    with Progress(stream=stream) as bar:
        bar.start("align", 400)
        bar.update(100)
        bar.say("a message")
    assert "100/400" in stream.getvalue()
    assert "a message" in stream.getvalue()


LOSSES = "q 1.234  d_q 0.567  pixel 0.890  identity 0.123  adversarial 4.567"


@pytest.mark.parametrize(
    ("width", "shown", "missing"),
    [(60, "300/900", "pixel"), (80, "q 1.234", "adversarial"), (200, "adversarial 4.567", "…")],
)
def test_a_bar_of_any_width_has_count_and_time_left(
    monkeypatch: pytest.MonkeyPatch, width: int, shown: str, missing: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with Progress(stream=stream) as bar:
        bar.start("train", 900)
        bar.update(300, LOSSES, left=754.0)
        bar._bar.bars.refresh()
    last = stream.getvalue().rpartition("train")[2]
    assert "300/900" in last
    assert "12:34 left" in last
    assert "━" in last
    assert shown in last
    assert missing not in last


def test_a_terminal_without_movement_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    stream = Terminal()
    with Progress(stream=stream) as bar:
        bar.start("train", 900)
        bar.update(300, LOSSES, left=754.0)
    assert stream.getvalue().startswith("train: 300 of 900 (33%), 12:34 left, ")
    assert "\x1b" not in stream.getvalue()


def test_estimated_times_have_one_unit() -> None:
    assert [progress.about(seconds) for seconds in (0, 40, 754, 12600)] == [
        "1 s",
        "40 s",
        "13 min",
        "3.5 h",
    ]


def test_quiet_is_quiet() -> None:
    stream = Terminal()
    with Progress(quiet=True, stream=stream) as bar:
        bar.start("align", 10)
        bar.update(5)
        bar.say("a message")
    assert stream.getvalue() == ""


def test_a_long_time_is_formatted_in_hours() -> None:
    assert progress._clock(3725) == "1:02:05"
    assert progress._clock(65) == "1:05"


def test_lines_below_the_bar_are_shown_on_a_terminal_and_in_a_log(capsys) -> None:
    stream = Terminal()
    bar = Progress(stream=stream)
    bar.start("align", 10)
    bar.update(3, below="job 7: 2 running\njob 8: 1 queued")
    bar.finish()
    assert "job 7: 2 running" in stream.getvalue()
    lines = Progress()
    lines.start("align", 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
        lines.update(3, below="job 7: 2 running\njob 8: 1 queued")
    assert ", job 7: 2 running, job 8: 1 queued" in capsys.readouterr().err


def test_remote_state_is_printed_on_change_and_at_intervals(capsys) -> None:
    progress_of_job = Progress()
    for title, detail in (
        ("job 7 pending", ""),
        ("job 7 pending", ""),
        ("job 7 running", "step 3"),
    ):
        progress_of_job.status(title, detail)
    progress_of_job.status("job 7 running", "step 4")
    assert capsys.readouterr().err == "job 7 pending\njob 7 running: step 3\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
        progress_of_job.status("job 7 running", "step 5")
    assert capsys.readouterr().err == "job 7 running: step 5\n"
