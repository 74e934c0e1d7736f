"""The verb ``retrieve``."""

import json

import numpy as np
import pytest
from builders.edits import CLASSES


def test_the_command(run_verb, tmp_path) -> None:
    out = tmp_path / "found.png"
    words = ["retrieve", "folder/test000", "--by", "all", "--top", 2, "-o", out]
    found = json.loads(run_verb(*words, "--json").stdout)
    assert len(found["found"]) == 6
    assert found["labels"][0]["by"] == "workspace"
    assert out.is_file()
    assert "folder/test" in run_verb("retrieve", "folder/test000", "--top", 1).stdout
    for more, message in (
        (["--by", "colour"], "one of: code"),
        (["--gallery", "all"], "one of: train"),
        (["--evaluate"], "takes no photographs"),
    ):
        assert message in run_verb("retrieve", "folder/test000", *more, code=2).stderr


def test_the_command_evaluates(run_verb) -> None:
    found = json.loads(run_verb("retrieve", "--evaluate", "--json").stdout)
    rows = {(row["way"], row["labels"]): row["accuracy"] for row in found["rows"]}
    assert found["queries"] == found["gallery"] == 9
    assert rows["label", "given"] == 1
    assert found["chance"] == pytest.approx(1 / len(CLASSES))
    assert rows["label", "landmarks+HOG"] > 0.5
    assert 0 <= rows["code", "given"] <= 1
    assert np.isfinite(found["chance_gap"])
    assert "top-1" in run_verb("retrieve", "--evaluate").stdout
