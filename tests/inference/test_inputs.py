"""Faces that a verb is given: photographs, faces of the workspace, and what is neither."""

from pathlib import Path

import numpy as np
import pytest
from builders.edits import SIZE, draw_people

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.core.images import write_png
from faceprep.inference.inputs import read_inputs


def test_a_photograph_is_aligned_as_the_workspace_s_faces_are(painter, photograph) -> None:
    found = read_inputs([str(photograph)], painter)
    (face,) = found.faces
    assert face.image.shape == (SIZE, SIZE, 3)
    assert (face.name, face.expression, face.subject) == ("somebody", None, None)
    assert face.faces_found == 1
    assert not found.failures


def test_a_face_of_the_workspace_needs_no_detector(painter) -> None:
    (face,) = read_inputs(["folder/test001"], painter).faces
    drawn = draw_people(100, 3)
    assert (face.image == drawn.images[1]).all()
    assert face.expression == drawn.expressions[1]
    assert face.subject == f"folder/{drawn.subjects[1]}"
    assert face.name == "test001"


def test_what_cannot_be_read_does_not_harm_the_others(painter, tmp_path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 120, 3), np.uint8)
    write_png(tmp_path / "noise.png", noise)
    (tmp_path / "text.png").write_text("hello")
    words = [str(tmp_path / "noise.png"), "folder/test000", str(tmp_path / "text.png")]
    found = read_inputs(words, painter)
    assert [face.source for face in found.faces] == ["folder/test000"]
    assert found.failures[words[0]] == "no face found"
    assert "no image" in found.failures[words[2]]
    with pytest.raises(FaceprepError, match=r"noise\.png: no face found; and 1 more") as caught:
        read_inputs([words[0], words[2]], painter)
    assert caught.value.hint[1].overrides == {"detector": "dlib"}


def test_what_is_not_there_names_what_is(painter, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no photograph folder/test00, and no such face") as caught:
        read_inputs(["folder/test00"], painter)
    assert caught.value.hint.arguments["folder/test00"].startswith("folder/test00")
    with pytest.raises(UsageError, match="is a folder") as caught:
        read_inputs(["folder/test000", "."], painter)
    assert caught.value.hint == "name the photographs in it"
    with pytest.raises(UsageError, match="no photograph is given"):
        read_inputs([], painter)
    # A file goes before a face of that name.
    Path("folder").mkdir()
    Path("folder/test000").write_text("hello")
    with pytest.raises(FaceprepError, match="no image"):
        read_inputs(["folder/test000"], painter)
