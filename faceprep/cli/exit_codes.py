"""Exit codes, results, error messages and hints.

Results go to stdout, progress and messages to stderr.
"""

import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from faceprep.cli.completion import complete_choices
from faceprep.cli.remedies import spell
from faceprep.cli.streams import shows_utf8
from faceprep.core.errors import Again, Command, FaceprepError, Hint
from faceprep.core.files import is_disk_full, write_failure
from faceprep.core.signals import Interruption
from faceprep.core.terminal import (
    ARROW,
    fitted,
    fitted_advice,
    fitted_command,
    in_signs,
)
from faceprep.core.tree import is_utf8
from faceprep.report.tables.console import Renderable

DONE, FAILED, SOME_ROWS_FAILED, GATE_FAILED, INTERRUPTED = 0, 1, 3, 4, 130

#: Stopped by SIGTERM, or a training by SIGUSR1; a scheduler may requeue the job.
STOPPED = 143

#: Stopped by SIGHUP, as when a terminal is closed.
HUNG_UP = 129


def guarded(verb: Callable[..., int]) -> Callable[..., None]:
    """Turn an error into one message with its hint, and a result into an exit code."""
    complete_choices(verb)

    @functools.wraps(verb)
    def run(**arguments: Any) -> None:
        with Interruption() as interruption:
            try:
                code = call(arguments)
            except KeyboardInterrupt as stop:
                code = _interrupted(interruption, stop)
        raise typer.Exit(code)

    def call(arguments: dict[str, Any]) -> int:
        try:
            code = verb(**arguments)
            sys.stdout.flush()  # an error of the output belongs to the verb
        except FaceprepError as error:
            if arguments.get("verbose"):
                raise
            complain(f"error: {error.message}", error.hint)
            return error.exit_code
        except typer.Exit:
            raise
        except Exception as error:
            if arguments.get("verbose"):
                raise
            again = Again({"verbose": True}, note="shows the traceback")
            message = f"{type(error).__name__}: {error}"
            if is_disk_full(error):
                again = Again({"overwrite": False}, note="when there is space")
                message = write_failure(error, Path(getattr(error, "filename", None) or ""))
            complain(f"error: {message}", again)
            return FAILED
        return code

    return run


def _interrupted(interruption: Interruption, stop: KeyboardInterrupt) -> int:
    again = Again({"overwrite": False}, note="resumes where it stopped")
    by_key = interruption.exit_code == INTERRUPTED
    words = "interrupted" if by_key else f"stopped by {interruption.name}"
    complain(words, stop.args[0] if stop.args else again)
    return interruption.exit_code


def complain(message: str, hint: Hint | None) -> None:
    """Print an error message and, on lines of their own, its hints."""
    print(fitted(message, sys.stderr), file=sys.stderr)
    if hint:
        say_next(hint, quiet=False)


def complain_of_shards(failed: Mapping[str, Mapping[int, str]]) -> None:
    """Print the reason of each failed shard (stage → shard → reason)."""
    for stage, failures in failed.items():
        for shard, error in failures.items():
            complain(f"error: {stage} shard {shard}: {error}", None)


def say_next(command: Hint, quiet: bool) -> None:
    """Print the next command, or several, one line each."""
    for part in () if quiet else command if isinstance(command, tuple) else (command,):
        for line in spell(part).splitlines():
            # The hint of a failed job is text that was spelled there.
            advice = isinstance(part, str) and not line.startswith("faceprep ")
            fit = fitted_advice if advice else fitted_command
            print(fit(line, sys.stderr), file=sys.stderr)


def print_result(
    renderables: "Sequence[Renderable]",
    data: dict[str, Any],
    *,
    as_json: bool,
    quiet: bool = False,
) -> None:
    """Print the renderables, or the data with each command as it is typed, on stdout.

    `quiet` prints the data only: verbs pass it whose results are files.
    """
    if as_json:
        text = json.dumps(data, indent=1, default=_plain, ensure_ascii=False)
        if not (shows_utf8() and is_utf8(text)):
            text = json.dumps(data, indent=1, default=_plain)
        print(text)
        return
    if quiet:
        return
    from rich.console import Console

    console = Console(soft_wrap=False)
    for renderable in renderables:
        # Brackets are no markup. A text is printed as it is, so that paths can be copied.
        if not isinstance(renderable, str):
            console.print(renderable if shows_utf8() else _in_signs(renderable), markup=False)
        elif renderable.startswith(ARROW):
            print(fitted_command(renderable.removeprefix(ARROW), sys.stdout))
        else:
            console.print(renderable, markup=False, soft_wrap=True)


def _in_signs(renderable: "Renderable") -> "Renderable":
    from faceprep.report.tables.signs import in_signs_of

    return in_signs_of(renderable, functools.partial(in_signs, stream=sys.stdout))


def _plain(value: object) -> str:
    return spell(value) if isinstance(value, Command) else str(value)
