"""Standard streams: what they cannot show, those that are closed, and those that cannot be written.

Results go to stdout, progress and messages to stderr.
"""

import codecs
import contextlib
import io
import os
import sys
import unicodedata
from collections.abc import Iterator

from faceprep.core.errors import FaceprepError

_READABLE = "faceprep-readable"

#: Signs of tables and messages → their spelling where the encoding lacks them.
_SIGNS = {
    "→": "->", "←": "<-", "…": "...", "·": ".", "×": "x", "−": "-", "–": "-", "—": "-",
    "±": "+-", "≤": "<=", "≥": ">=", "≈": "~", "²": "^2", "³": "^3", "½": "1/2", "√": "sqrt",
    "“": '"', "”": '"', "‘": "'", "’": "'", "°": "deg", "µ": "u", "ρ": "rho", "σ": "sigma",
    "φ": "phi", "Σ": "sum", "∇": "grad", "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l",
    "đ": "d", "ı": "i", "─": "-", "━": "-", "│": "|", "┃": "|", "├": "|", "└": "`", "╸": "-",
    "╺": "-", "•": "*",
}  # fmt: skip


class OutputError(FaceprepError):
    """The results cannot be written to standard output."""


def open_streams() -> None:
    """Make the standard streams usable in any locale, closed or on a full disk.

    A closed stream would give its number to the next file that is opened, so that messages of
    other libraries end up in that file; it becomes the null device.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    codecs.register_error(_READABLE, _spell)
    for name, number, kind in (("stdout", 1, _Results), ("stderr", 2, _Messages)):
        stream = getattr(sys, name)
        if stream is not None and type(stream) is not io.TextIOWrapper:
            continue  # another program's, or a test's
        encoding = stream.encoding if stream else "utf-8"
        at_once = stream.line_buffering if stream else False
        raw = stream.detach() if stream else os.fdopen(number, "wb")
        new = kind(raw, encoding=encoding, errors=_READABLE, line_buffering=at_once)
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def shows_utf8() -> bool:
    """Return whether results can be printed in UTF-8."""
    name = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    return name.replace("_", "-") in ("utf-8", "utf8")


class _Results(io.TextIOWrapper):
    """Standard output: a reader that has ended, as ``| head`` does, is no error."""

    def write(self, text: str) -> int:
        with self._losing():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._losing():
            super().flush()

    @contextlib.contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())  # what is left in the buffer goes there
            os.close(null)
            if not isinstance(error, BrokenPipeError):
                raise OutputError(f"cannot print the result: {error.strerror}") from error


class _Messages(io.TextIOWrapper):
    """Standard error: messages that cannot be written are lost, and the work goes on."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that the encoding lacks: ``->`` for an arrow, ``e`` for ``é``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spelled, error.object[error.start : error.end])), error.end


def _spelled(sign: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    if "\ud800" <= sign <= "\udfff":  # a byte of a name that is not UTF-8
        return f"\\u{ord(sign):04x}"
    return unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode() or "?"
