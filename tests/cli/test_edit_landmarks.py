"""``edit --landmarks-from``, and ``transfer`` of landmarks."""

import json

from builders.landmark_painter import painted
from PIL import Image

from faceprep.core.images import read_image

FACE, DONOR = "folder/S4/anger", "folder/S5/surprise"


def test_landmarks_from(run_landmarks, tmp_path) -> None:
    words = ["edit", FACE, "--landmarks-from", DONOR]
    found = json.loads(run_landmarks(*words, "-o", tmp_path, "--json").stdout)
    out = tmp_path / "S4__anger-as-S5__surprise.png"
    assert painted(read_image(out)) == (4, "surprise")
    donor = {"source": DONOR, "expression": "surprise", "by": "workspace", "probability": None}
    assert found["landmarks_from"] == {**donor, "raw": False}
    with Image.open(out) as picture:
        assert picture.text["landmarks_of"] == "S5__surprise"
    out = tmp_path / "out.png"
    run_landmarks(*words, "--to", "happiness", "--intensity", 0.5, "--raw", "-o", out)
    assert painted(read_image(out)) == (2.5, "happiness")


def test_what_has_no_effect_is_refused(run_landmarks) -> None:
    for words, message in (
        (["--raw", "--to", "anger"], "--raw has no effect"),
        (["--landmarks-from", DONOR, "--grid"], "--grid has no effect"),
    ):
        assert message in run_landmarks("edit", FACE, *words, code=2).stderr


def test_transfer(run_landmarks, tmp_path) -> None:
    out = tmp_path / "out.png"
    result = run_landmarks("transfer", FACE, DONOR, "-o", out)
    assert result.stdout.startswith("folder/S5/surprise: surprise (workspace)")
    assert painted(read_image(out)) == (4, "surprise")
    run_landmarks("transfer", FACE, "--from", DONOR, "--from", "folder/S5/neutral", "-o", out)
    assert read_image(out).shape[1] > 300  # a sheet
