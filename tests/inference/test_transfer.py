"""``transfer``: whose expression, how strong, and who says which it is."""

import json

import pytest
import torch
from PIL import Image

from faceprep.core.errors import UsageError
from faceprep.core.images import read_image
from faceprep.core.progress import Progress
from faceprep.inference import labels as labels_module
from faceprep.inference.edit import edit_faces
from faceprep.inference.inputs import Portrait, Portraits, read_portraits
from faceprep.inference.labels import Label, labels_of
from faceprep.inference.transfer import read_codes, transfer_faces
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces

QUIET = Progress(quiet=True)


@pytest.fixture
def faces(used):
    return read_portraits(["folder/test000", "folder/test003"], used, "faceprep transfer")


@pytest.fixture
def angry(used, faces, tmp_path):
    """A face on which anger was painted, 0.5 strong."""
    (path, _) = edit_faces(faces, used, "anger", 0.5, tmp_path / "angry").paths
    return Portraits([Portrait(str(path), read_image(path))])


def test_the_strength_of_b_is_that_of_the_result(used, faces, angry, tmp_path) -> None:
    one = Portraits(faces.faces[1:])
    made = transfer_faces(one, angry, [Label("anger", "asked")], used, tmp_path / "out.png")
    image = read_image(made.paths[0])
    # The painter reads 1.5 times what it painted.
    assert image[:8, :, 0].mean() / 255 == pytest.approx(0.75, abs=0.02)
    assert (image[8:] == faces.faces[1].image[8:]).all()
    assert made.data["expressions"][0]["strength"] == pytest.approx(0.75, abs=0.02)
    assert made.lines == [f"{angry.faces[0].source}: anger (asked), strength 0.75"]
    assert not made.notes
    with Image.open(made.paths[0]) as picture:
        assert picture.text["synthetic"] == "true"


def test_codes_are_brought_into_what_the_decoder_knows(used, angry) -> None:
    code = read_codes(angry, [Label("surprise", "asked")], used).unflatten(1, (3, 5))
    assert (code[:, 2] >= 0).all()
    assert (code[:, :2] <= 0).all()
    assert code.abs().max() <= 1
    neutral = read_codes(angry, [Label("neutral", "judge")], used)
    assert torch.equal(neutral, torch.full((1, 15), -1.0))  # no class here: all absent


def test_several_make_a_sheet(used, faces, angry, tmp_path) -> None:
    made = transfer_faces(faces, angry, [Label("anger", "asked")], used, tmp_path)
    assert made.paths == [tmp_path / "transfer.png"]
    with Image.open(made.paths[0]) as sheet:
        assert sheet.height > 3 * 128


def test_a_code_without_strength_is_told(used, faces, tmp_path) -> None:
    black = Portraits([Portrait("black.png", 0 * faces.faces[0].image)])
    made = transfer_faces(faces, black, [Label("anger", "asked")], used, tmp_path)
    assert "next to no anger in black.png" in made.notes[0]


def test_labels_are_asked_for_then_the_workspace_s_then_a_judge_s(used, faces, monkeypatch):
    asked = labels_of(faces.faces, used, "anger", QUIET)
    assert asked == [Label("anger", "asked")] * 2
    with pytest.raises(UsageError, match="does not know 'joy'"):
        labels_of(faces.faces, used, "joy", QUIET)
    known = labels_of(faces.faces, used, None, QUIET)
    assert [label.by for label in known] == ["workspace"] * 2
    assert known[0].expression == faces.faces[0].expression
    stranger = Portrait("stranger.png", faces.faces[0].image)
    found = labels_of([faces.faces[1], stranger], used, None, QUIET)
    assert found[0].by == "workspace"
    assert found[1].by == "judge landmarks+HOG"
    assert 1 / 3 < found[1].probability <= 1
    # The judge sees the face in the same template as it learnt.
    seen: list[str] = []
    monkeypatch.setattr(
        labels_module, "AlignedFaces", lambda *it: seen.append(it[1]) or AlignedFaces(*it)
    )  # fmt: skip
    labels_of([stranger], used, None, QUIET)
    assert seen == ["expression"]


def test_the_command(faceprep, photograph, tmp_path) -> None:
    out = tmp_path / "out.png"
    result = faceprep("transfer", "folder/test000", "folder/test001", "-o", out)
    assert "folder/test001: happiness (workspace)" in result.stdout
    assert read_image(out).shape == (64, 64, 3)
    words = ["folder/test000", "--from", "folder/test001", "--from", "folder/test002"]
    found = json.loads(faceprep("transfer", *words, "-o", out, "--json").stdout)
    assert [one["expression"] for one in found["expressions"]] == ["happiness", "surprise"]
    assert len(found["expressions"][0]["code"]) == 15
    for words, message in (
        (["folder/test000"], "whose expression"),
        (["folder/test000", "folder/test001", "--expression", "joy"], "does not know 'joy'"),
    ):
        assert message in faceprep("transfer", *words, code=2).stderr


def test_a_file_alone_has_no_judge(faceprep, photograph, workspace, tmp_path) -> None:
    file = tmp_path / "copied.safetensors"
    file.write_bytes((workspace.root / "train/exprgan/generator.safetensors").read_bytes())
    words = ["transfer", photograph, photograph, "--generator", file, "-o", tmp_path / "o.png"]
    assert "a judge of the expression needs" in faceprep(*words, code=2).stderr
    assert "(asked)" in faceprep(*words, "--expression", "anger").stdout
