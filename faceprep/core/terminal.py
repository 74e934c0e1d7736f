"""Text in the width of a terminal: lines are broken at spaces, never inside a word."""

import os
import re
import textwrap
from typing import TextIO

#: Beginning of a line with a command or advice.
ARROW = "  → "
_INDENT = " " * len(ARROW)

#: A word of a shell command; quoted spaces belong to their word.
_WORD = re.compile(r"""(?:[^\s'"\\]|'[^']*'|"(?:\\.|[^"\\])*"|\\.)+""")


def columns(stream: TextIO) -> int | None:
    """Return the number of columns of a terminal; None if the stream is none."""
    if not stream.isatty():
        return None
    typed = os.environ.get("COLUMNS", "")
    if typed.isdecimal() and int(typed):
        return int(typed)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def fitted(text: str, stream: TextIO, first: str = "", rest: str = "") -> str:
    """Return text for a stream, on a terminal with its lines broken at spaces.

    Parameters
    ----------
    first, rest
        Beginning of each line of the text, and of the lines that follow where it is broken.
    """
    width, lines = columns(stream), list[str]()
    for line in text.splitlines():
        whole = in_signs(first + line, stream)
        if width is None or len(whole) <= width:
            lines.append(whole)
        else:
            lines += textwrap.wrap(
                whole, width, subsequent_indent=rest,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
    return "\n".join(lines)


def fitted_advice(text: str, stream: TextIO) -> str:
    """Return the lines of a hint in words behind arrows, as `fitted`."""
    return fitted(text, stream, ARROW, _INDENT)


def fitted_command(text: str, stream: TextIO) -> str:
    """Return a command behind an arrow, on a terminal in lines that a shell joins when pasted.

    A comment behind the command gets lines of its own.
    """
    width = columns(stream)
    whole = in_signs(ARROW + text, stream)
    if width is None or len(whole) <= width:
        return whole
    command, _, note = text.partition("   # ")
    words = _WORD.findall(command)
    if " ".join(words) != command:  # it cannot be taken apart
        words = [command]
    lines = [in_signs(ARROW, stream).rstrip()]
    for part in _flags_with_values(words):
        if len(lines[-1]) + len(part) > width - 3 and lines[-1].strip("-> →"):
            lines[-1] += " \\"
            lines.append(_INDENT + " ")
        lines[-1] += f" {part}"
    if note:
        lines.append(fitted(note, stream, f"{_INDENT}# ", f"{_INDENT}# "))
    return "\n".join(lines)


def _flags_with_values(words: list[str]) -> list[str]:
    parts: list[str] = []
    for word in words:
        if parts and parts[-1].startswith("-") and " " not in parts[-1] and word[:1] != "-":
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    return parts


def in_signs(text: str, stream: TextIO) -> str:
    """Return text as a stream spells it whose encoding lacks some signs, which may be longer."""
    encoding, errors = getattr(stream, "encoding", None), getattr(stream, "errors", None)
    if not encoding or errors in (None, "strict"):
        return text
    return text.encode(encoding, errors).decode(encoding)
