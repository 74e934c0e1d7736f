"""The verb ``transfer``."""

import json

from builders.units import painted

from faceprep.core.images import read_image


def test_the_command(run_verb, photograph, tmp_path) -> None:
    out = tmp_path / "out.png"
    result = run_verb("transfer", "folder/test000", "folder/test001", "-o", out)
    assert "folder/test001: happiness (workspace)" in result.stdout
    assert read_image(out).shape == (64, 64, 3)
    words = ["folder/test000", "--from", "folder/test001", "--from", "folder/test002"]
    found = json.loads(run_verb("transfer", *words, "-o", out, "--json").stdout)
    assert [one["expression"] for one in found["expressions"]] == ["happiness", "surprise"]
    assert len(found["expressions"][0]["code"]) == 15
    for words, message in (
        (["folder/test000"], "two photographs"),
        (["folder/test000", "folder/test001", "--expression", "zzz"], "does not know 'zzz'"),
    ):
        assert message in run_verb("transfer", *words, code=2).stderr


def test_a_file_alone_has_no_judge(run_verb, photograph, drawn_workspace, tmp_path) -> None:
    file = tmp_path / "copied.safetensors"
    file.write_bytes((drawn_workspace.root / "train/exprgan/generator.safetensors").read_bytes())
    words = ["transfer", photograph, photograph, "--generator", file, "-o", tmp_path / "o.png"]
    assert "a classifier of expressions needs" in run_verb(*words, code=2).stderr
    assert "(asked)" in run_verb(*words, "--expression", "anger").stdout


def test_a_kind_driven_by_units_needs_no_label(run_units, photograph, tmp_path) -> None:
    out = tmp_path / "out.png"
    words = ["transfer", "folder/S4/anger", "folder/S5/surprise", "-o", out]
    result = run_units(*words)
    assert result.stdout.startswith("folder/S5/surprise: AU01 3.0, AU02 3.0, ")
    assert set(painted(read_image(out)).values()) == {3}
    found = json.loads(run_units(*words, "--json").stdout)
    assert found["expressions"][0]["shown"]["AU12"] == 3
    result = run_units(*words, "--expression", "anger", code=2)
    assert "--expression has no effect: toy-aus reads Action Units" in result.stderr
    run_units("transfer", "folder/S4/anger", photograph, "-o", tmp_path)
    assert (tmp_path / "S4__anger-as-somebody.png").is_file()
