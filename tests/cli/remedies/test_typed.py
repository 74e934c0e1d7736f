"""Write the typed command again with other flags, settings and arguments."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.cli.remedies import spell
from faceprep.cli.remedies.spelling import command_line
from faceprep.cli.remedies.typed import take_apart
from faceprep.core.errors import TYPED, Again


@pytest.mark.parametrize(
    ("typed", "again", "line"),
    [
        ("align -j4 --root 'a b'", {}, "align --workers 4 --root 'a b'"),
        (
            "align -vq --root=x",
            {"overrides": {"overwrite": True}},
            "align --verbose --quiet --root x --overwrite",
        ),
        (
            "align --set select.split=official --set align.detector=dlib --root 'my faces'",
            {"overrides": {"select.split": "random"}, "note": "divides people"},
            "align --set align.detector=dlib --root 'my faces' --set select.split=random"
            "   # divides people",
        ),
        (
            "select --seed 3 --set select.folds=2",
            {"overrides": {"select.seed": 4}},
            "select --set select.folds=2 --seed 4",
        ),
        ("select --set select.seed=3", {"overrides": {"seed": 4}}, "select --seed 4"),
        (
            "train --seed 3 --set select.seed=1",
            {"overrides": {"train.seed": 4}},
            "train --set select.seed=1 --seed 4",
        ),
        ("align --only --limit 3", {"overrides": {"only": False, "limit": None}}, "align"),
        ("train --set train.weights.q=1", {"overrides": {"train.weights": None}}, "train"),
        (
            "align --set 'align.size = 128'",
            {"overrides": {"align.size": 64}},
            "align --set align.size=64",
        ),
        (
            "align --dataset folder",
            {"overrides": {"shard_size": 9}},
            "align --dataset folder --set shard_size=9",
        ),
        ("show", {"overrides": {"workspace": Path("a b")}}, "show 'a b'"),
        ("show old --seed 3", {"overrides": {"workspace": Path("new")}}, "show new --seed 3"),
        (
            "edit a.jpg --to fear",
            {"overrides": {"workspace": Path("w")}},
            "edit a.jpg --to fear --workspace w",
        ),
        (
            "edit a.jpg b.jpg --to joy -o new/x.gif",
            {"arguments": {"b.jpg": "/c $d.jpg"}, "overrides": {"to": "happiness", "-o": "x.png"}},
            "edit a.jpg '/c $d.jpg' --to happiness -o x.png",
        ),
        (
            "transfer a --from b --from c -o a",
            {"arguments": {"b": "d"}},
            "transfer a --from d --from c --out a",
        ),
        ("transfer a.jpg", {"arguments": ("a.jpg", "-b.jpg")}, "transfer -- a.jpg -b.jpg"),
        (
            "demo out --seed 3",
            {"overrides": {"demo.subjects": 5}, "arguments": ("out-2",)},
            "demo out-2 --seed 3 --subjects 5",
        ),
        (
            "evaluate aus w --split tset",
            {"overrides": {"split": "test"}},
            "evaluate aus w --split test",
        ),
    ],
)
def test_changes_replace_what_was_typed(typed: str, again: dict[str, Any], line: str) -> None:
    assert command_line(Again(**again), shlex.split(typed)) == f"faceprep {line}"


def test_only_a_verb_can_be_taken_apart() -> None:
    assert take_apart([]) is take_apart(["evaluate"]) is take_apart(["evalute", "aus"]) is None


def test_what_was_typed_is_known_only_while_it_runs(tmp_path: Path) -> None:
    words = ["show", str(tmp_path / "no [x] there")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "no [x] there" in result.stderr
    assert TYPED.get() == ()
    token = TYPED.set(("show", "a [b]"))
    assert spell(Again({"sheet": "a.png"})) == "faceprep show 'a [b]' --sheet a.png"
    TYPED.reset(token)
