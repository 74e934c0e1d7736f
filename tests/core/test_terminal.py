"""Lines in the width of a terminal."""

import io
import shlex

import pytest

from faceprep.core.terminal import columns, fitted, fitted_advice, fitted_command

TEXT = "the quick brown fox jumps over the lazy dog " * 4
COMMAND = "faceprep align --workspace 'my ws' --set 'aus.openface_bin=docker run' --overwrite"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    return Terminal()


def test_lines_are_broken_at_spaces(terminal):
    lines = fitted(TEXT, terminal).splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(lines) == TEXT.strip()


def test_a_long_word_stays_whole(terminal):
    path = "/data/" + "x" * 60
    assert path in fitted(f"no such file {path} there", terminal).splitlines()


@pytest.mark.parametrize("fit", [fitted, fitted_advice, fitted_command])
def test_text_for_another_program_stays_on_its_line(fit):
    assert TEXT in fit(TEXT, io.StringIO())
    assert "\n" not in fit(TEXT, io.StringIO())


def test_advice_goes_on_below_its_first_word(terminal):
    first, *rest = fitted_advice(TEXT, terminal).splitlines()
    assert first.startswith("  → the")
    assert all(line.startswith("    ") for line in rest)


def test_a_shell_reads_a_broken_command_as_it_was(terminal):
    text = fitted_command(f"{COMMAND}   # with a note that is long enough to be broken", terminal)
    lines = text.splitlines()
    assert len(lines) > 3
    joined = text.removeprefix("  → ").replace("\\\n", "")
    assert shlex.split(joined, comments=True) == shlex.split(COMMAND)
    assert lines[-2].startswith("    # with a note")


def test_a_flag_stays_with_its_value(terminal):
    assert any(
        "--set 'aus.openface_bin=docker run'" in x
        for x in fitted_command(COMMAND, terminal).splitlines()
    )


def test_a_command_that_fits_stays_on_its_line(terminal):
    assert fitted_command("faceprep doctor   # x", terminal) == "  → faceprep doctor   # x"


def test_the_width_is_that_of_the_spelling(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", errors="backslashreplace")
    monkeypatch.setattr(stream, "isatty", lambda: True)
    assert max(map(len, fitted("→ " * 40, stream).splitlines())) <= 40


def test_no_terminal_has_no_width(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert columns(io.StringIO()) is None
    assert columns(Terminal()) is None
