"""Generators driven by action units or landmarks in every verb, by the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from builders.toy_generators import ActionUnitToy, LandmarkToy, registered
from builders.training import LABELS, toy_workspace
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.core.images import read_image
from faceprep.generators.registry import kinds
from faceprep.workspace.artifacts import generator_file

#: One worker computes in this process, where the kinds are registered.
HERE = ["--device", "cpu", "-j", "1"]
CLASSIFY = ["size=32", "updates=4", "seeds=1", "near_duplicates=0"]


@pytest.fixture(scope="module", params=[ActionUnitToy.kind, LandmarkToy.kind])
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    with registered():
        yield request.param


def run(*words: object, code: int = 0):
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture(scope="module")
def trained(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a generator that the command line trained."""
    root = tmp_path_factory.mktemp(kind) / "ws"
    toy_workspace(root, measured=True)
    sets = ["--set", "train.steps=6", "--set", "train.batch=4", "--set", "train.calibrate=0"]
    run("train", "--generator", kind, "--only", "--workspace", root, *sets, *HERE)
    assert generator_file(root, kind).is_file()
    return root


def test_edit(trained: Path, kind: str, tmp_path: Path) -> None:
    face = "folder/S4/anger"
    words = ["edit", face, "--workspace", trained, "--generator", kind]
    run(*words, "--to", "happiness", "-o", tmp_path / "strong.png")
    run(*words, "--to", "happiness", "--intensity", 0, "-o", tmp_path / "none.png")
    strong, none = (read_image(tmp_path / f"{name}.png") for name in ("strong", "none"))
    assert strong.shape == (32, 32, 3)
    assert (strong != none).any()
    run(*words, "--grid", "-o", tmp_path / "grid.png")
    # By its file alone the workspace is found, too.
    file = generator_file(trained, kind)
    run("edit", face, "--generator", file, "--to", "happiness", "-o", tmp_path / "again.png")
    assert (read_image(tmp_path / "again.png") == strong).all()


def test_augment_and_classify(trained: Path, kind: str) -> None:
    flags = ["--workspace", trained, "--generator", kind, *HERE]
    run("augment", "--times", 1.5, *flags)  # of 16 training faces; they are edited
    rows = [
        row
        for part in sorted((trained / "augment" / kind).glob("part-*.parquet"))
        for row in pq.read_table(part).to_pylist()
    ]
    assert len(rows) == 24
    assert {row["expression"] for row in rows} == set(LABELS)
    assert all(row["source_face_id"] for row in rows)
    assert {len(row["code"]) for row in rows} == {17 if kind == "toy-aus" else 0}
    assert all(0.7 <= row["intensity"] <= 1 for row in rows)
    result = run("augment", "--n", 24, "--mode", "new", "--overwrite", *flags, code=2)
    assert f"kind {kind}, which cannot generate faces without a source" in result.stderr
    sets = [word for name in CLASSIFY for word in ("--set", f"classify.{name}")]
    assert len(list((trained / "augment" / kind).rglob("*.png"))) == 24  # nothing was replaced
    run("classify", "--only", "--sweep", "0,24", *sets, *flags)
    assert (trained / "classify" / "accuracy.parquet").is_file()


def test_evaluate_edits(trained: Path, kind: str, tmp_path: Path) -> None:
    file, sheet = generator_file(trained, kind), tmp_path / "edits.png"
    words = ["evaluate", "edits", trained, "--generator", file, "--sheet", sheet, "--json"]
    found = json.loads(run(*words, "--device", "cpu").stdout)
    assert f"no diversity: {kind} cannot generate faces without a source" in found["notes"]
    assert {row["kind"] for row in found["rows"]} == {"edit", "copy", "real"}
    assert sheet.is_file()


def test_verbs_that_need_codes_name_the_kinds_that_have_them(trained: Path, kind: str) -> None:
    where = ["--workspace", trained, "--generator", kind]
    calls: list[list[object]] = [
        ["retrieve", "folder/S4/anger", *where],
        ["new-faces", *where],
        ["evaluate", "codes", trained, "--generator", kind],
    ]
    for words in calls:
        message = run(*words, code=2).stderr
        assert f"of kind {kind}, which cannot" in message
        assert "→ kinds that can: exprgan" in message


def test_an_unknown_kind_is_refused_with_the_list(trained: Path, kind: str) -> None:
    words = ["augment", "--n", 1, "--workspace", trained, "--generator", "stargan", *HERE]
    message = run(*words, code=2).stderr
    assert "no generator is called 'stargan'" in message
    assert f"→ one of: {', '.join(kinds())}" in message
