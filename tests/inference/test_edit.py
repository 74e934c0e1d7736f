"""``edit`` and ``new-faces``: what is in the pictures, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders.edits import CLASSES, draw_people, lay_out
from PIL import Image

from faceprep.cli.remedies import spell
from faceprep.core.errors import UsageError
from faceprep.core.images import read_image
from faceprep.generators.calibration import IntensityMap
from faceprep.generators.editor import Editor
from faceprep.inference.edit import LEVELS, edit_faces, edit_sheet
from faceprep.inference.inputs import read_portraits
from faceprep.inference.new_faces import draw_new_faces
from faceprep.inference.output import picture_paths, sheet_path
from faceprep.workspace.artifacts import generator_file
from faceprep.workspace.discover import trained_file


@pytest.fixture
def faces(used):
    return read_portraits(["folder/test000", "folder/test001"], used, "faceprep edit")


def painted(image: np.ndarray, expression: str) -> float:
    """How strong the painter painted it."""
    return float(image[:8, :, CLASSES.index(expression)].mean()) / 255


def test_every_face_gets_the_expression_and_the_picture_says_what_it_is(used, faces, tmp_path):
    made = edit_faces(faces, used, "happiness", 0.6, tmp_path / "new")
    names = ["test000-happiness-0.6.png", "test001-happiness-0.6.png"]
    assert [path.name for path in made.paths] == names
    for face, path in zip(faces.faces, made.paths, strict=True):
        image = read_image(path)
        assert painted(image, "happiness") == pytest.approx(0.6, abs=0.01)
        assert (image[8:] == face.image[8:]).all()
        with Image.open(path) as picture:
            told = picture.text
        assert told["synthetic"] == "true"
        assert told["generator"] == "exprgan tiny, 64 px"
        assert told["checkpoint"] == "0" * 64
        assert (told["expression"], told["intensity"]) == ("happiness", "0.6")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == names
    # Written over as a whole by the same command.
    assert edit_faces(faces, used, "happiness", 0.6, tmp_path / "new").paths == made.paths


def test_the_intensity_is_what_the_calibration_makes_of_it(used, faces, tmp_path):
    maps = {"anger": IntensityMap((0.0, 0.3, 1.0), (0.0, 0.9, 1.0))}
    used = replace(used, editor=Editor(used.model, maps))
    levels = [0.0, 0.1, 0.3, 0.5, 1.0]
    seen = []
    for level in levels:
        (path, _) = edit_faces(faces, used, "anger", level, tmp_path).paths
        seen.append(painted(read_image(path), "anger"))
    assert seen == sorted(seen)
    assert seen[2] == pytest.approx(0.9, abs=0.01)


def test_a_sheet_shows_every_expression_in_five_intensities(used, faces, tmp_path, monkeypatch):
    asked: list[tuple[str, float]] = []
    edit = Editor.edit

    def watched(self, images, expression, intensity=1.0):
        asked.append((expression, intensity))
        return edit(self, images, expression, intensity)

    monkeypatch.setattr(Editor, "edit", watched)
    made = edit_sheet(faces, used, None, tmp_path)
    assert made.paths == [tmp_path / "test000-grid.png"]
    wanted = [(name, level) for name in CLASSES for level in LEVELS]
    # Neutral is no class of the painter: it is painted by telling it of none.
    assert asked == [("neutral", 1.0), *wanted] * 2
    with Image.open(made.paths[0]) as sheet:
        assert sheet.text["synthetic"] == "true"
        one = (sheet.width, sheet.height)
    only = edit_sheet(faces, used, "anger", tmp_path / "anger.png")
    with Image.open(only.paths[0]) as sheet:
        assert sheet.width == one[0]
        assert sheet.height < one[1] / 2


def test_new_people_are_those_of_the_seed(used, tmp_path):
    paths = [
        draw_new_faces(used, 2, seed, tmp_path / f"{number}.png").paths[0]
        for number, seed in enumerate((0, 0, 1))
    ]
    sheets = [path.read_bytes() for path in paths]
    assert sheets[0] == sheets[1]
    assert sheets[0] != sheets[2]
    with Image.open(paths[2]) as sheet:
        assert sheet.text["seed"] == "1"


def test_impossible_wishes_are_refused(used, faces, tmp_path):
    for level in (-0.1, 1.5, float("nan")):
        with pytest.raises(UsageError, match="outside 0 … 1"):
            edit_faces(faces, used, "anger", level, tmp_path)
    with pytest.raises(UsageError, match="does not know 'joy'") as caught:
        edit_faces(faces, used, "joy", 1, tmp_path)
    assert spell(caught.value.hint) == "one of: anger, happiness, surprise, neutral"
    with pytest.raises(UsageError, match="does not know 'happy'") as caught:
        edit_faces(faces, used, "happy", 1, tmp_path)
    assert spell(caught.value.hint) == "did you mean happiness?"
    with pytest.raises(UsageError, match="2 pictures do not go into one file"):
        edit_faces(faces, used, "anger", 1, tmp_path / "a.png")
    with pytest.raises(UsageError, match="a picture is a PNG"):
        edit_faces(faces, used, "anger", 1, tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())


def test_where_pictures_go(tmp_path):
    assert picture_paths(None, ["a", "b", "a"]) == [Path("a.png"), Path("b.png"), Path("a-2.png")]
    assert picture_paths(tmp_path / "x", ["a"]) == [tmp_path / "x" / "a.png"]
    assert picture_paths(tmp_path / "x.png", ["a"]) == [tmp_path / "x.png"]
    assert sheet_path(tmp_path, "s.png") == tmp_path / "s.png"
    with pytest.raises(UsageError, match="a PNG"):
        sheet_path(tmp_path / "s.pdf", "s.png")


def test_the_command_edits_a_photograph(faceprep, photograph, workspace, tmp_path):
    out = tmp_path / "sad" / "me.png"
    result = faceprep("edit", photograph, "--to", "anger", "--intensity", 0.5, "-o", out)
    assert result.stdout.strip() == str(out)
    assert read_image(out).shape == (64, 64, 3)
    found = json.loads(faceprep("edit", photograph, "--to", "anger", "-o", out, "--json").stdout)
    assert found["pictures"] == [
        {"source": str(photograph), "picture": str(out), "faces_found": 1}
    ]  # fmt: skip
    # The generator's file alone will do for a photograph.
    file = workspace.root / "train" / "exprgan" / "generator.safetensors"
    copied = tmp_path / "copied.safetensors"
    copied.write_bytes(file.read_bytes())
    faceprep("edit", photograph, "--grid", "--generator", copied, "-o", tmp_path)
    assert (tmp_path / "somebody-grid.png").is_file()


def test_the_command_says_what_to_type(faceprep, photograph, tmp_path):
    (tmp_path / "text.png").write_text("hello")
    face = "folder/test000"
    for words, message, code in (
        (["edit", face], "--to happiness, or --grid", 2),
        (["edit", face, "--to", "joy"], "one of: anger", 2),
        (["edit", face, "--to", "anger", "--intensity", "2"], "outside 0 … 1", 2),
        (["edit", tmp_path, "--to", "anger"], "is a folder", 2),
        (["edit", tmp_path / "text.png", "--to", "anger"], "no image", 1),
        (["edit", face, "--to", "anger", "--generator", tmp_path / "text.png"], "checkpoint", 1),
        (["edit", face, "--to", "anger", "--generator", "nowhere"], "no generator nowhere", 2),
        (["edit", face, "--to", "anger", "--device", "tpu"], "no device 'tpu'", 2),
        (["edit", face, "--to", "anger", "--detector", "eyes"], "align.detector", 2),
        (["edit", photograph, "--to", "anger", "-o", photograph], "it would be lost", 2),
        (["new-faces", "-o", "x.jpg"], "a PNG", 2),
    ):
        result = faceprep(*words, code=code)
        assert message in result.stderr
        assert "→" in result.stderr
    result = faceprep(
        "edit", face, tmp_path / "text.png", "--to", "anger", "-o", tmp_path / "out", code=3
    )
    assert "text.png: is no image" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["test000-anger.png"]


def test_advice_leaves_the_other_arguments_alone(faceprep, workspace, tmp_path):
    mistyped = workspace.root.with_name("demp")
    words = ["edit", "a.jpg", "--to", "anger"]
    for more, advice in (
        (("--workspace", mistyped), f"→ --workspace {workspace.root}\n"),
        (("--generator", workspace.root), f"→ --workspace {workspace.root}\n"),
        (("--generator", generator_file(mistyped)), "→ --workspace DIR takes"),
        (
            ("--generator", generator_file(workspace.root).with_name("generater.safetensors")),
            f"→ --generator {generator_file(workspace.root)}\n",
        ),
    ):
        assert advice in faceprep(*words, *more, code=2).stderr
    with pytest.raises(UsageError) as caught:
        trained_file(mistyped)
    assert spell(caught.value.hint) == f"--workspace {workspace.root}"


def test_a_workspace_without_a_generator_says_how_to_train(faceprep, tmp_path):
    lay_out(tmp_path / "ws", {"test": draw_people(100, 3)})
    result = faceprep("edit", "a.jpg", "--to", "anger", "--workspace", tmp_path / "ws", code=2)
    assert f"faceprep train --workspace {tmp_path / 'ws'}" in result.stderr
