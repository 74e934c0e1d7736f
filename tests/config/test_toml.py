from pathlib import Path

import pytest

from faceprep.cli.remedies import spell
from faceprep.config.toml import parse_toml
from faceprep.core.errors import UsageError

FILE = Path("mine.toml")


def error(data: bytes) -> tuple[str, str]:
    with pytest.raises(UsageError) as caught:
        parse_toml(data, FILE)
    return caught.value.message, spell(caught.value.hint) or ""


def test_a_byte_order_mark_is_no_error() -> None:
    text = '[select]\r\nroot = "/daten/Größe"\r\n'
    assert parse_toml(text.encode("utf-8-sig"), FILE) == {"select": {"root": "/daten/Größe"}}


@pytest.mark.parametrize(
    ("value", "fixed"),
    [
        (r"C:\Users\me", r"'C:\Users\me'"),
        (r"C:\new\table", r"'C:\new\table'"),  # TOML, but with a line feed and a tab
        (r"D:\x", r"'D:\x'"),
        (r"\\server\share", r"'\\server\share'"),
        (r"data\Users", r"'data\Users'"),
    ],
)
def test_backslashes_in_double_quotes_give_the_line_the_cause_and_the_fix(value, fixed) -> None:
    message, hint = error(f'name = "x"\n[select]\nroot = "{value}"  # mine\n'.encode())
    assert "mine.toml, line 3" in message
    assert "backslash begins an escape" in message
    assert f"in single quotes: root = {fixed}" in hint


def test_paths_that_toml_reads_as_they_are_meant() -> None:
    text = 'a = "C:\\\\Users"\nb = \'C:\\Users\'\nc = "C:/Users"\n'
    paths = {"a": "C:\\Users", "b": "C:\\Users", "c": "C:/Users"}
    assert parse_toml(text.encode(), FILE) == paths


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_named_with_the_tool_that_converts_it(encoding: str) -> None:
    message, hint = error('name = "x"\n'.encode(encoding))
    assert "UTF-16" in message
    assert "iconv -f UTF-16 -t UTF-8 -o mine.utf8.toml mine.toml" in hint


def test_other_encodings_give_the_line() -> None:
    message, hint = error('name = "x"\nroot = "café"\n'.encode("latin-1"))
    assert "line 2" in message
    assert "iconv -f WINDOWS-1252" in hint


@pytest.mark.parametrize(("text", "line"), [("a=1\nb = C:/x\n", 2), ('a = "x\n', 1), ("a = \n", 1)])
def test_other_errors_show_the_line(text: str, line: int) -> None:
    message, _ = error(text.encode())
    assert f"line {line} is not TOML: {text.splitlines()[line - 1].strip()}" in message
