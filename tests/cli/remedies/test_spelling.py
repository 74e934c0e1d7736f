"""Remedies are spelled as a user types them, and only the command line spells them."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import faceprep
from faceprep.cli import app
from faceprep.cli.remedies import spell
from faceprep.config import ClassifyConfig, Config
from faceprep.core.errors import Again, Hint, Remedy, Shell
from faceprep.workspace import Workspace


@pytest.mark.parametrize(
    ("hint", "line"),
    [
        ("take another file", "take another file"),
        (Remedy("align", overrides={"overwrite": True}), "faceprep align --overwrite"),
        (
            Remedy("show", arguments=("/a b",), note="counts them"),
            "faceprep show '/a b'   # counts them",
        ),
        (
            Remedy("evaluate codes", Path("/a b"), {"-o": "codes.png"}),
            "faceprep evaluate codes '/a b' -o codes.png",
        ),
        (
            Remedy("train", Path("ws"), {"train.seed": 2, "train.steps": 9}),
            "faceprep train --workspace ws --seed 2 --set train.steps=9",
        ),
        (
            Remedy("aus", Path("ws"), {"retry_failed": True, "aus.backend": "none", "limit": None}),
            "faceprep aus --workspace ws --retry-failed --set aus.backend=none",
        ),
        (
            Remedy("align", Path("ws"), {"align.extra": True, "align.sizes": (1, 2)}),
            "faceprep align --workspace ws --set align.extra=true --set align.sizes=1,2",
        ),
        (("either", Remedy("select")), "either\nfaceprep select"),
        (
            Remedy("train", then=Remedy("augment"), note="both"),
            "faceprep train && faceprep augment   # both",
        ),
        (Shell(("ls", "a [b]"), note="lists it"), "ls 'a [b]'   # lists it"),
        (Again(), "the same again"),
        (
            Again({"overwrite": True, "select.split": "random"}, note="why"),
            "the same again with --overwrite --set select.split=random: why",
        ),
    ],
)
def test_words_commands_and_both_are_spelled(hint: Hint, line: str) -> None:
    assert spell(hint) == line


def test_no_hint_is_none() -> None:
    assert spell(None) is None


def test_resumed_commands_repeat_settings_and_add_overrides(tmp_path: Path) -> None:
    folder = tmp_path / "train" / "exprgan"
    folder.mkdir(parents=True)
    (folder / "train.json").write_text(json.dumps({"config": {"preset": "tiny"}}))

    def resumed(verb: str, **overrides: object) -> str:
        return spell(Remedy(verb, tmp_path, overrides, resume=True))

    train = f"faceprep train --workspace {tmp_path} --set train.preset=tiny"
    augment = f"faceprep augment --workspace {tmp_path} --n 5"
    assert resumed("train") == resumed("train", generator="exprgan") == train
    assert resumed("train", generator="exprgan-fold03") == f"{train} --set train.fold=3"
    assert resumed("train", fold=3, overwrite=True) == f"{train} --set train.fold=3 --overwrite"
    assert resumed("augment", n=5, overwrite=True) == f"{augment} --overwrite"
    assert resumed("augment", n=5, fold=3) == f"{augment} --set train.fold=3"
    assert resumed("augment", n=5, folds=()) == train  # no generator yet
    assert resumed("augment", n=5, fold=0, folds=(0, 1, 2)) == (
        f"for k in $(seq 0 2); do {train} --set train.fold=$k; {augment} --set train.fold=$k; done"
    )
    assert resumed("classify", sweep=[0, 300], seeds=2) == (
        f"faceprep classify --only --workspace {tmp_path} --sweep 0,300 --seeds 2"
    )


def test_stages_need_no_settings_that_the_workspace_remembers(tmp_path: Path) -> None:
    workspace, root = Workspace(tmp_path / "ws"), tmp_path / "my faces"
    again = Remedy("aus", workspace.root, {"overwrite": True, "select.folds": 4}, resume=True)
    assert "does not record it" in spell(again)
    given = {"select": {"dataset": "folder", "limit": 9, "folds": 3}, "aus": {"backend": "auto"}}
    workspace.write_info("select", {"config": given, "root": str(root)})
    assert f"{root} is not there" in spell(again)
    root.mkdir()
    assert spell(again) == (
        f"faceprep aus --workspace {workspace.root} --overwrite --set select.folds=4"
    )


PACKAGE = Path(faceprep.__file__).parent


def below_cli() -> Iterator[tuple[Path, ast.Module]]:
    """Modules that may not spell command lines, with their syntax trees."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in ("cli", "__main__.py"):
            yield path.relative_to(PACKAGE), ast.parse(path.read_text())


def strings_of(tree: ast.Module) -> Iterator[ast.Constant]:
    """String literals and the literal parts of f-strings, without docstrings."""
    bodies = [node.body for node in ast.walk(tree) if isinstance(getattr(node, "body", None), list)]
    alone = {id(line.value) for body in bodies for line in body if isinstance(line, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node


def commands() -> dict[str, Any]:
    """Commands of the program by verb, ``evaluate aus`` among them."""

    def below(group: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from below(command, (*words, name))
            else:
                yield " ".join((*words, name)), command

    return dict(below(typer.main.get_group(app), ()))


def test_no_module_below_cli_spells_a_command_line() -> None:
    verbs = "|".join(sorted({verb.split()[0] for verb in commands()}))
    spelled = re.compile(rf"\bfaceprep ({verbs})\b(?!\.)")
    found = [
        f"{path}:{node.lineno}: {node.value!r}"
        for path, tree in below_cli()
        for node in strings_of(tree)
        if spelled.search(node.value)
    ]
    assert not found, "\n".join(found)


def remedies() -> Iterator[tuple[str, ast.Call]]:
    """Every call of `Remedy` in the package, with its place."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Remedy":
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    """One argument of a call, given by place or by name."""
    if place < len(call.args):
        return call.args[place]
    return next((word.value for word in call.keywords if word.arg == name), None)


#: Overrides that `faceprep.cli.remedies` reads when a workspace is resumed.
RESUMED = {
    "augment": {"n", "generator", "fold", "folds"},
    "train": {"generator", "fold"},
    "classify": set(ClassifyConfig.model_fields),
}


def test_every_remedy_names_a_verb_and_flags_that_exist() -> None:
    known = commands()
    settings = {
        f"{name}.{key}"
        for name in ("select", "align", "heatmaps", "aus", "train")
        for key in type(getattr(Config(), name)).model_fields
    }
    checked = 0
    for place, call in remedies():
        verb = argument(call, 0, "verb")
        if not isinstance(verb, ast.Constant):
            continue  # the name of a stage
        assert verb.value in known, f"{place}: no verb {verb.value!r}"
        flags = {flag for parameter in known[verb.value].params for flag in parameter.opts}
        overrides = argument(call, 2, "overrides")
        resumed = argument(call, 4, "resume")
        if not isinstance(overrides, ast.Dict):
            continue
        for key in overrides.keys:
            checked += 1
            if not isinstance(key, ast.Constant):
                continue
            name = str(key.value)
            if resumed is not None and name in RESUMED.get(verb.value, ()):
                continue
            if "." in name:
                assert name in settings, f"{place}: no setting {name}"
                continue
            flag = name if name.startswith("-") else f"--{name.replace('_', '-')}"
            assert flag in flags, f"{place}: {verb.value} has no flag {flag}"
    assert checked
