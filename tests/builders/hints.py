"""Take the commands of hints apart, as a shell would, and check that they are understood."""

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from faceprep.cli.remedies.spelling import command_line
from faceprep.cli.remedies.typed import take_apart
from faceprep.cli.remedies.words import commands, settings_of
from faceprep.config.sources import known_keys, parse_assignment, resolve
from faceprep.core.errors import Again, Command, Hint, Shell

_LOOP = re.compile(r"for k in (?P<values>.*?); do (?P<body>.*); done")
_SEQ = re.compile(r"\$\(seq (\d+) (\d+)\)")

#: What stands for a value in the text of a command or an advice, and is none.
PLACEHOLDER = re.compile(r"…|\b(WORKSPACE|OTHER_WORKSPACE|DIR|FILE|TEXT|IMAGE|PHOTO|HOST|OTHER)\b")


def simple_commands(line: str) -> list[list[str]]:
    """Return the words of the commands of a line: loops taken apart, comments left out."""
    loop = _LOOP.match(line)
    if loop:
        values = loop["values"]
        numbers = _SEQ.fullmatch(values)
        every = range(int(numbers[1]), int(numbers[2]) + 1) if numbers else values.split()
        bodies = [loop["body"].replace("$k", str(value)) for value in every]
        rest = line[loop.end() :].removeprefix(" && ")
        return [words for body in bodies for words in simple_commands(body)] + (
            simple_commands(rest) if rest else []
        )
    found: list[list[str]] = [[]]
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&")
    lexer.whitespace_split = True
    for word in lexer:
        if word in ("&&", ";"):
            found.append([])
        else:
            found[-1].append(word)
    return [words for words in found if words]


def parts(hint: Hint | None) -> Iterator[str | Command]:
    """Advice and commands of a hint."""
    if hint is not None:
        yield from hint if isinstance(hint, tuple) else (hint,)


def check_understood(words: Sequence[str]) -> None:
    """Check verb, flags and settings of a command line of faceprep without running it."""
    line = take_apart(words[1:])
    assert line is not None, f"no verb: {shlex.join(words)}"
    command = commands()[line.verb]
    rest = list(words[1 + len(line.verb.split()) :])
    context = command.make_context(line.verb, rest)
    settings, flags = settings_of(line.verb), {}
    for assignment in context.params.get("set_") or ():
        key, value = parse_assignment(assignment)
        flags[key] = (value, "--set")
    for name, key in settings.items():
        value = context.params.get(name)
        if value is not None and not (line.verb == "classify" and isinstance(value, str)):
            flags.setdefault(key, (value, f"--{name}"))
    if flags:
        resolve(flags=flags, environment={}, local_file=Path(os.devnull))


def check_hint(hint: Hint | None, typed: Sequence[str] = ()) -> None:
    """Check that every line of a hint is advice, or a command that is understood."""
    for part in parts(hint):
        if isinstance(part, str):
            assert not part.startswith("-"), f"a part of a command: {part}"
            if part.startswith("faceprep "):  # the error of a job, whose command was spelled there
                for words in simple_commands(part.partition("   # ")[0]):
                    check_understood(words)
                continue
            assert "--set " not in part, f"a part of a command: {part}"
            continue
        text = command_line(part, typed)
        assert not PLACEHOLDER.search(text.partition("   # ")[0]), text
        if isinstance(part, Shell):
            assert shlex.split(text, comments=True) == list(part.words)
        elif isinstance(part, Again) and not take_apart(typed):
            known = tuple(f"{key}." for key in known_keys())
            given = [key for key, value in part.overrides.items() if value is not None]
            strange = [key for key in given if "." in key and not f"{key}.".startswith(known)]
            assert not strange, f"no such settings: {strange}"
        else:
            assert "\n" not in text, text
            for words in simple_commands(text):
                if words[0] == "faceprep":
                    check_understood(words)
