"""``-q`` of every verb that has it: no message, and no result where files are the result."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.hint_cases.common import DATA, FACE, OTHER, WS
from builders.hint_preparations import driven_by_units
from builders.hint_trials import invoke

from faceprep.cli.remedies.words import commands

#: Verb → what is typed after it. Every stage makes something, so that there would be messages.
WRITING = {
    "demo": "more",
    "run": f"{DATA} --workspace new --limit 2",
    "select": f"{WS} --overwrite",
    "align": f"{WS} --overwrite",
    "heatmaps": f"{WS} --overwrite",
    "aus": f"{WS} --overwrite",
    "train": f"--only {WS} --overwrite",
    "augment": f"{WS} --n 14 --overwrite",
    "classify": f"--only {WS} --sweep 0,14 --seeds 1 --overwrite",
    "edit": f"{FACE} --to fear {WS} -o a.png",
    "transfer": f"{FACE} {OTHER} {WS} -o a.png",
    "reenact": f"{FACE} clip {WS} --generator toy-aus -o a.gif",
    "new-faces": f"{WS} --count 1 -o a.png",
}

#: Verbs that print their result.
PRINTING = {
    "check": f"--baseline base.json {WS}",
    "retrieve": f"{FACE} --by pixel {WS}",
    "show": "'my ws'",
    "evaluate aus": "'my ws'",
    "evaluate codes": "'my ws'",
}

#: Too slow here; it gives its messages to the same `Progress`.
SLOW = {"evaluate edits"}


def test_every_verb_with_the_flag_is_tried() -> None:
    quiet = {
        verb
        for verb, command in commands().items()
        if any(parameter.name == "quiet" for parameter in command.params)
    }
    assert quiet == {*WRITING, *PRINTING, *SLOW}


@pytest.fixture(scope="module")
def place(fresh: Callable[[], Path]) -> Path:
    return fresh()


@pytest.mark.parametrize("verb", [*WRITING, *PRINTING])
def test_nothing_but_results_is_printed(
    verb: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    if verb == "reenact":
        driven_by_units(place, monkeypatch)
    rest = {**WRITING, **PRINTING}[verb]
    done = invoke([*verb.split(), *shlex.split(rest), "-q"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert bool(done.stdout) == (verb in PRINTING)


@pytest.mark.parametrize("verb", ["align", "train", "augment --n 14", "classify"])
def test_errors_are_printed(verb: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    done = invoke([*verb.split(), "--workspace", "my ws", "-q", "--set", "train.stpes=3"])
    assert done.exit_code == 2
    assert "unknown key train.stpes" in done.stderr
    assert "--set train.steps=3" in done.stderr
