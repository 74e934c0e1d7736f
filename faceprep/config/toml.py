"""Parse a pipeline file, with errors that say what to change in which line."""

import re
import tomllib
from pathlib import Path
from typing import Any

from faceprep.core.errors import Shell, UsageError

_UTF16 = re.compile(rb"\xff\xfe|\xfe\xff|.?\0", re.DOTALL)
_PLACE = re.compile(r" \(at line (\d+), column \d+\)")

#: Value in double quotes with the single backslashes of a Windows path, which are escapes in TOML.
_WINDOWS = re.compile(r'=\s*("(?:[A-Za-z]:)?(?:[^"\\]|\\.)*")')
_DRIVE = re.compile(r'"[A-Za-z]:\\(?!\\)')


def parse_toml(data: bytes, path: Path) -> dict[str, Any]:
    """Parse the bytes of a TOML file, with or without a byte order mark.

    Raises
    ------
    UsageError
        It is not UTF-8 or not TOML, or has a path whose backslashes are escapes.
    """
    if _UTF16.match(data):
        copy = path.with_name(f"{path.stem}.utf8{path.suffix}")
        words = ("iconv", "-f", "UTF-16", "-t", "UTF-8", "-o", str(copy), str(path))
        raise UsageError(
            f"{path} is text in UTF-16; pipeline files are UTF-8",
            (Shell(words), f"then -c {copy}; or save it as UTF-8 in the editor"),
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        copy = path.with_name(f"{path.stem}.utf8{path.suffix}")
        words = ("iconv", "-f", "WINDOWS-1252", "-t", "UTF-8", "-o", str(copy), str(path))
        raise UsageError(
            f"{path}, line {number}: a character is not UTF-8; pipeline files are UTF-8",
            (Shell(words), f"then -c {copy}; or save it as UTF-8 in the editor"),
        ) from None
    for number, line in enumerate(text.splitlines(), 1):
        if _DRIVE.search(line):
            raise _backslashes(path, number, line)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        if place is None:
            raise UsageError(f"{path} is not TOML: {error}") from None
        number = int(place[1])
        line = text.splitlines()[number - 1] if number <= len(text.splitlines()) else ""
        if "\\" in line and '"' in line:
            raise _backslashes(path, number, line) from None
        reason = _PLACE.sub("", str(error))
        quoted = ", text is written in quotes" if "value" in reason.lower() else ""
        raise UsageError(
            f"{path}, line {number} is not TOML: {line.strip()}   ({reason}{quoted})"
        ) from None


def _backslashes(path: Path, number: int, line: str) -> UsageError:
    found = _WINDOWS.search(line)
    fixed = line.replace(found[1], f"'{found[1][1:-1]}'") if found else line.replace('"', "'")
    return UsageError(
        f"{path}, line {number}: {line.strip()}   in double quotes a backslash begins an escape",
        f"write the path in single quotes: {fixed.strip()}",
    )
