"""``edit`` with Action Units."""

import json

import pytest
from builders.units import painted
from PIL import Image

from faceprep.core.images import read_image

FACE = "folder/S4/happiness"


def test_au(run_units, photograph, tmp_path) -> None:
    out = tmp_path / "out.png"
    words = ["edit", FACE, "--au", "AU12=3.5", "--au", "6=0", "-o", out]
    found = json.loads(run_units(*words, "--json").stdout)
    seen = painted(read_image(out))
    assert seen == {**dict.fromkeys(seen, 1), "AU12": 3.5, "AU06": 0}
    assert found["action_units"] == {"AU12": 3.5, "AU06": 0}
    assert found["expression"] is found["intensity"] is None
    assert found["pictures"][0]["action_units"] == seen
    with Image.open(out) as picture:
        assert picture.text["action_units"] == "AU12=3.5 AU06=0"
        assert picture.text["synthetic"] == "true"
    # The other units of a photograph are measured.
    run_units("edit", photograph, "--au", "AU12=5", "-o", tmp_path)
    seen = painted(read_image(tmp_path / "somebody-AU12-5.png"))
    assert seen["AU12"] == 5
    assert 0 < sum(seen.values()) - 5 < 40


def test_an_expression_gives_the_units_that_are_not_named(run_units, tmp_path) -> None:
    out = tmp_path / "out.png"
    words = ["edit", FACE, "--to", "surprise", "--intensity", 0.5, "--au", "AU12=0", "-o", out]
    assert not run_units(*words).stderr
    seen = painted(read_image(out))
    assert seen == {**dict.fromkeys(seen, 2), "AU12": 0}


def test_sweep(run_units, tmp_path) -> None:
    words = ["edit", FACE, "--sweep", "AU12", "--sweep", "AU04", "-o", tmp_path, "--json"]
    found = json.loads(run_units(*words).stdout)
    assert found["sheet"] == str(tmp_path / "happiness-sweep.png") or found["sheet"]
    assert found["units"] == ["AU12", "AU04"]
    assert found["intensities"] == [0, 1, 2, 3, 4, 5]
    with Image.open(found["sheet"]) as two:
        assert two.text["sweep"] == "AU12 AU04"
    run_units("edit", FACE, "--sweep", "all", "-o", tmp_path / "all.png")
    with Image.open(tmp_path / "all.png") as every:
        assert every.height - two.height == 15 * (128 + 8 + 20)


def test_parts(run_units, tmp_path) -> None:
    words = ["edit", FACE, "--au", "AU12=5", "--parts", "-o", tmp_path / "parts.png", "--json"]
    found = json.loads(run_units(*words).stdout)
    assert found["parts"] == ["colour", "mask", "flow"]
    with Image.open(found["sheet"]) as sheet:
        assert sheet.text["parts"] == "colour mask flow"
        assert sheet.text["action_units"] == "AU12=5"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("--au AU99=1", "there is no Action Unit 'AU99'", "one of: AU01"),
        ("--au AU06=1 --au AU12=7.0", "outside 0 … 5", f"{FACE} --generator toy-aus --au AU06=1"),
        ("--au AU12=nan", "outside 0 … 5", "--au AU12=5   # from 0 to 5"),
        ("--au AU12", "is missing", "--au AU12=5"),
        ("--au AU12=1 --au AU12=2", "AU12 has more than one", "--au AU12=2"),
        ("--au AU12=1 --intensity 0.5", "--intensity has no effect", "--au AU12=1"),
        ("--sweep AU12 --intensity 0.5", "--intensity has no effect", "--sweep AU12"),
        ("--sweep AU12 --au AU12=1", "--au has no effect", "--sweep AU12"),
        ("--grid --au AU12=1", "--au has no effect", "--grid"),
        ("--parts", "no expression is given", "toy-aus --grid"),
        ("--grid --parts", "--parts has no effect", "--grid"),
        ("--sweep AU12 --parts", "--parts has no effect", "--sweep AU12"),
        ("--grid --sweep AU12", "--sweep has no effect", "--grid"),
    ],
)
def test_what_cannot_be_done_says_what_to_type(run_units, words, message, hint) -> None:
    result = run_units("edit", FACE, *words.split(), code=2)
    assert message in result.stderr
    assert hint in result.stderr.splitlines()[-1]
    assert result.stderr.count("error:") == 1


def test_a_kind_that_is_not_driven_by_units_names_those_that_are(run_verb, unit_workspace) -> None:
    for words in (("--au", "AU12=1"), ("--sweep", "AU12")):
        result = run_verb("edit", "folder/test000", *words, code=2)
        assert "of kind exprgan, which cannot set single Action Units" in result.stderr
        assert "→ kinds that can: " in result.stderr
        assert "toy-aus" in result.stderr.splitlines()[-1]


def test_landmarks_are_refused(run_units) -> None:
    stderr = run_units("edit", FACE, "--landmarks-from", FACE, code=2).stderr
    assert "toy-aus, which cannot request landmarks" in stderr
    assert "kinds that can: landmark-gan" in stderr
