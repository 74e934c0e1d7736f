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
