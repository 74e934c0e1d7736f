"""Baselines are read back whole, and damaged ones are refused."""

import json
from pathlib import Path

import pytest
from builders.accuracy_table import TABLE, baseline_of

from faceprep.cli.remedies import spell
from faceprep.core.errors import FaceprepError
from faceprep.evaluation.check.baseline import read_baseline, write_baseline


def test_a_baseline_comes_back_as_it_was(tmp_path: Path) -> None:
    written = baseline_of(TABLE)
    path = tmp_path / "baselines" / "demo.json"
    write_baseline(path, written)
    assert read_baseline(path) == written
    assert list(path.parent.iterdir()) == [path]
    text = path.read_text()
    write_baseline(path, written)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.pop("entries"), "damaged"),
        (lambda data: data.update(entries=[]), "rows are missing"),
        (lambda data: data.update(entries=data["entries"][:1] * 2), "double"),
        (lambda data: data["entries"][0]["value"].update(accuracy="0.9"), "no share"),
        (lambda data: data["entries"][0]["tolerance"].pop("accuracy"), "measures"),
        (lambda data: data["entries"][0].update(total=True), "no whole number"),
        (lambda data: data["settings"].update({"train.steps": 3}), "do not match their hash"),
        (lambda data: data.update(version=2), "is of version 2, this is 1"),
        (lambda data: data.update(reason=None), "no text"),
    ],
)
def test_a_damaged_baseline_is_refused(tmp_path: Path, change, words: str) -> None:
    path = tmp_path / "demo.json"
    update = f"faceprep check --update --baseline {path}"
    write_baseline(path, baseline_of(TABLE))
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(FaceprepError, match=words) as error:
        read_baseline(path, update)
    mends = update if "version" in words else f"git checkout {path}"
    assert spell(error.value.hint).startswith(mends)
    assert ("if it is a damaged baseline" in spell(error.value.hint)) is ("entries" not in data)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "\x00"])
def test_a_file_that_is_no_baseline(tmp_path: Path, text: str) -> None:
    path = tmp_path / "demo.json"
    path.write_text(text)
    with pytest.raises(FaceprepError, match=r"damaged|cannot be read"):
        read_baseline(path)
