"""Provoke hints through the command line, and type what they say.

Each trial provokes hints in a copy of a folder with a small finished workspace. Every command in a
hint works when it is typed, or gives another, further error. A command that no trial reaches is a
fault, unless `builders.hint_exemptions` says why.
"""

import ast
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import faceprep
from builders.hint_exemptions import tried_elsewhere
from builders.hints import PLACEHOLDER, simple_commands
from faceprep.cli import app
from faceprep.cli.remedies import spelling
from faceprep.core.errors import Again, Command, Remedy, Shell

PACKAGE = Path(faceprep.__file__).parent
KINDS = (Remedy, Again, Shell)

#: Exit codes of a command that has done its work.
DONE, SOME_ROWS_FAILED = 0, 3


@dataclass(frozen=True)
class Trial:
    """A command that prints a hint with a command.

    Attributes
    ----------
    words
        The command, without ``faceprep``, as it is typed in a shell.
    prepare
        Function that damages or adds something in the folder before.
    between
        Function that does what a note or another line of the hint asks for, before the hint.
    """

    words: str
    prepare: Callable[[Path, pytest.MonkeyPatch], object] = lambda place, patch: None
    between: Callable[[Path, pytest.MonkeyPatch], object] = lambda place, patch: None


@dataclass
class Printed:
    """A command of a hint with the places in the package that built it."""

    text: str
    sites: set[tuple[str, int]] = field(default_factory=set)


def site_of(path: Path, line: int) -> tuple[str, int]:
    """Name a line of the package."""
    return path.relative_to(PACKAGE).as_posix(), line


@cache
def inventory() -> dict[tuple[str, int], str]:
    """Every call that builds a command of a hint: place → function that holds it."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.is_relative_to(PACKAGE / "cli" / "remedies"):
            continue
        tree = ast.parse(path.read_text())
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in (
                kind.__name__ for kind in KINDS
            ):
                continue
            holders = [f for f in functions if f.lineno <= node.lineno <= (f.end_lineno or 0)]
            inner = max(holders, key=lambda f: f.lineno, default=None)
            found[site_of(path, node.lineno)] = inner.name if inner else "<module>"
    return found


@contextlib.contextmanager
def recorded(patch: pytest.MonkeyPatch) -> Iterator[list[Printed]]:
    """Record the commands that are spelled, with the places where they were built."""
    printed: list[Printed] = []
    depth = 0
    original = spelling.command_line

    def record(command: Command, *rest: Any) -> str:
        nonlocal depth
        depth += 1
        try:
            text = original(command, *rest)
        finally:
            depth -= 1
        site = getattr(command, "site", None)
        if depth:
            printed.append(Printed("", {site} if site else set()))
        else:
            inner = [one for one in printed if not one.text]
            printed[:] = [one for one in printed if one.text]
            sites = {site} if site else set()
            printed.append(Printed(text, sites.union(*(one.sites for one in inner))))
        return text

    patch.setattr(spelling, "command_line", record)
    yield printed
    patch.setattr(spelling, "command_line", original)


def remember_sites(patch: pytest.MonkeyPatch) -> None:
    """Let every command know the place in the package that built it."""

    def remembering(original: Callable[..., None]) -> Callable[..., None]:
        def init(self: Any, *words: Any, **named: Any) -> None:
            original(self, *words, **named)
            frame = sys._getframe(1)
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(PACKAGE):
                object.__setattr__(self, "site", site_of(path, frame.f_lineno))

        return init

    for kind in KINDS:
        patch.setattr(kind, "__init__", remembering(kind.__init__))
    _remember_constants()


def _remember_constants() -> None:
    """Tell the commands that modules made when they were imported where that was."""
    lines: dict[str, list[int]] = {}
    for (path, line), function in inventory().items():
        if function == "<module>":
            lines.setdefault(path, []).append(line)
    for path, places in lines.items():
        module = import_module("faceprep." + path.removesuffix(".py").replace("/", "."))
        found = [command for value in vars(module).values() for command in commands_in(value)]
        own = [one for one in found if getattr(one, "__module__", "") and not hasattr(one, "site")]
        for command, line in zip(own, sorted(places), strict=False):
            object.__setattr__(command, "site", (path, line))


def commands_in(value: Any) -> Iterator[Any]:
    """Yield the commands of a hint."""
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, KINDS):
            yield part


def invoke(words: list[str]) -> Result:
    """Run a command of faceprep in this process."""
    return CliRunner().invoke(app, words)


#: Programs of hints that are run as they are; others are not there, or need a network.
HARMLESS = ("ls", "head", "tail", "git", "rm", "chmod", "unzip", "tar")


def what_went_wrong(before: Result, text: str) -> str | None:
    """Type the command of a hint; return why it is no help, or None."""
    if PLACEHOLDER.search(text.partition("   # ")[0]):
        return "a placeholder"
    for words in simple_commands(text):
        if words[0] != "faceprep":
            if words[0] in HARMLESS and shutil.which(words[0]):
                done = subprocess.run(words, capture_output=True, text=True, check=False)
                if done.returncode:
                    return done.stderr
            continue
        after = invoke(words[1:])
        if after.exit_code in (DONE, SOME_ROWS_FAILED):
            continue
        if after.exception is not None and not isinstance(after.exception, SystemExit):
            return repr(after.exception)
        if error_of(after) == error_of(before) or not error_of(after):
            return f"the same again: {after.stderr[-600:]}"
        return None  # another, further error
    return None


def error_of(result: Result) -> str:
    """The message of an error, on one line."""
    found = re.search(r"^(error|interrupted).*", result.stderr, re.MULTILINE)
    return found[0] if found else result.stderr.strip().rpartition("\n")[2]


def attempt(trial: Trial, place: Path, patch: pytest.MonkeyPatch) -> tuple[set[Any], list[str]]:
    """Provoke the hints of a trial and type them; return the places they came from, and faults."""
    patch.chdir(place)
    trial.prepare(place, patch)
    with recorded(patch) as printed:
        before = invoke(shlex.split(os.path.expandvars(trial.words)))
    if before.exception is not None and not isinstance(before.exception, SystemExit):
        return set(), [f"{trial.words}: {before.exception!r}"]
    if not printed:
        return set(), [f"{trial.words}: no command in {before.stderr[-300:]!r}"]
    trial.between(place, patch)
    sites: set[Any] = set()
    faults = []
    for one in printed:
        sites |= one.sites
        wrong = what_went_wrong(before, one.text)
        if wrong:
            faults.append(f"{trial.words}\n  {error_of(before)}\n  → {one.text}\n  {wrong}")
        if one.text not in re.sub(r"\\\n +", "", before.stderr + before.stdout):
            faults.append(f"{trial.words}\n  not printed: {one.text}\n{before.stderr[-300:]}")
    return sites, faults


def faults_of(part: str, trials: Sequence[Trial], fresh: Callable[[], Path]) -> list[str]:
    """Make the trials of a part of the package; return what went wrong.

    Parameters
    ----------
    fresh
        Function that makes the folder of a trial.
    """
    reached: set[Any] = set()
    faults: list[str] = []
    for trial in trials:
        with pytest.MonkeyPatch.context() as patch:
            sites, wrong = attempt(trial, fresh(), patch)
        reached |= sites
        faults += wrong
    return faults + [
        f"no trial of {place}:{line} ({function})"
        for (place, line), function in inventory().items()
        if place.startswith(f"{part}/")
        and (place, line) not in reached
        and not tried_elsewhere(place, function)
    ]
