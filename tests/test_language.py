"""Docstrings and comments in plain technical English."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: First words of a function's docstring that are no verb.
NO_VERB = re.compile(
    r"(a|an|all|any|as|at|by|each|every|for|from|how|in|it|its|no|nothing|of|on|one|the|their|"
    r"there|these|they|this|those|to|what|when|where|which|who|whom|whose|why|with|without)\b",
    re.IGNORECASE,
)

#: A plural noun or a verb in the third person ("Returns") in place of a verb ("Return").
NO_INFINITIVE = re.compile(r"\w+[^s\W]s\b")

#: Words that a reader outside this project would have to decode.
RIDDLES = re.compile(
    r"\b(whom|anew|manieth|thereof|whereof|hither|leave word|no fair|gone wrong with)\b",
    re.IGNORECASE,
)

#: Turns of phrase in messages that a reader would have to decode.
DECODED = re.compile(
    r"flatters|told right|goes on where|go on with what|vote p\b|read otherwise|"
    r"comes too late|those there count|are to be\b|neither train nor|stopped on \{|nobody of them|"
    r"whose face\?|with what is there",
    re.IGNORECASE,
)

MODULES = sorted((ROOT / "faceprep").rglob("*.py"))
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "manifests" / "README.md"]


def functions(tree: ast.AST) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    """Yield functions and methods, but no properties, with their docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = {
                ast.unparse(decorator).split(".")[-1] for decorator in node.decorator_list
            }
            docstring = ast.get_docstring(node)
            if docstring and not decorators & {"property", "cached_property"}:
                yield node, docstring


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_docstring_begins_with_a_verb(path: Path) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {docstring.splitlines()[0]}"
        for node, docstring in functions(ast.parse(path.read_text()))
        if NO_VERB.match(docstring) or NO_INFINITIVE.match(docstring)
    ]
    assert found == []


@pytest.mark.parametrize(
    "path",
    [
        *MODULES,
        *sorted(ROOT.glob("*.md")),
        *sorted(ROOT.glob("docs/*.md")),
        ROOT / "manifests" / "README.md",
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_riddles(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert [
        f"{number}: {line}" for number, line in enumerate(lines, 1) if RIDDLES.search(line)
    ] == []


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the strings of a module that are no docstrings."""
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in documented:
            yield node.lineno, str(node.value)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_messages_are_plain(path: Path) -> None:
    found = texts(ast.parse(path.read_text()))
    assert [f"{line}: {text}" for line, text in found if DECODED.search(text)] == []
