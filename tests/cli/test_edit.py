"""The verbs ``edit`` and ``new-faces``."""

import json

import pytest
from builders.edits import draw_people, lay_out

from faceprep.core.errors import Again, UsageError
from faceprep.core.images import read_image
from faceprep.workspace.artifacts import generator_file
from faceprep.workspace.discover import trained_file


def test_the_command_edits_a_photograph(run_verb, photograph, drawn_workspace, tmp_path):
    out = tmp_path / "sad" / "me.png"
    result = run_verb("edit", photograph, "--to", "anger", "--intensity", 0.5, "-o", out)
    assert result.stdout.strip() == str(out)
    assert read_image(out).shape == (64, 64, 3)
    found = json.loads(run_verb("edit", photograph, "--to", "anger", "-o", out, "--json").stdout)
    assert found["pictures"] == [
        {"source": str(photograph), "picture": str(out), "faces_found": 1}
    ]  # fmt: skip
    # The generator's file alone will do for a photograph.
    file = drawn_workspace.root / "train" / "exprgan" / "generator.safetensors"
    copied = tmp_path / "copied.safetensors"
    copied.write_bytes(file.read_bytes())
    run_verb("edit", photograph, "--grid", "--generator", copied, "-o", tmp_path)
    assert (tmp_path / "somebody-grid.png").is_file()


def test_the_command_says_what_to_type(run_verb, photograph, tmp_path):
    (tmp_path / "text.png").write_text("hello")
    face = "folder/test000"
    for words, message, code in (
        (["edit", face], "faceprep edit folder/test000 --grid   # draws all expressions", 2),
        (["edit", face, "--to", "zzz"], "one of: anger", 2),
        (["edit", face, "--to", "anger", "--intensity", "2"], "outside 0 … 1", 2),
        (["edit", tmp_path, "--to", "anger"], "is a folder", 2),
        (["edit", tmp_path / "text.png", "--to", "anger"], "no image", 1),
        (["edit", face, "--to", "anger", "--generator", tmp_path / "text.png"], "checkpoint", 1),
        (["edit", face, "--to", "anger", "--generator", "nowhere"], "no generator nowhere", 2),
        (["edit", face, "--to", "anger", "--device", "tpu"], "no device 'tpu'", 2),
        (["edit", face, "--to", "anger", "--detector", "eyes"], "align.detector", 2),
        (["edit", face, "--to", "anger", "--detector", "mtcnn"], "are aligned already", 2),
        (["edit", photograph, "--to", "anger", "-o", photograph], "would be overwritten", 2),
        (["new-faces", "-o", "x.jpg"], "a PNG", 2),
    ):
        result = run_verb(*words, code=code)
        assert message in result.stderr
        assert "→" in result.stderr
    result = run_verb(
        "edit", face, tmp_path / "text.png", "--to", "anger", "-o", tmp_path / "out", code=3
    )
    assert "text.png: is no image" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["test000-anger.png"]


def test_advice_leaves_the_other_arguments_alone(run_verb, drawn_workspace):
    root = drawn_workspace.root
    mistyped = root.with_name("demp")
    words = ["edit", "a.jpg", "--to", "anger"]
    for more, advice in (
        (("--workspace", mistyped), f"→ faceprep edit a.jpg --to anger --workspace {root}\n"),
        (("--generator", root), f"→ faceprep edit a.jpg --to anger --workspace {root}\n"),
        (("--generator", generator_file(mistyped)), "→ name a file that a training wrote"),
        (
            (
                "--generator",
                generator_file(root).with_name("generater.safetensors"),
            ),
            f"→ faceprep edit a.jpg --to anger --generator {generator_file(root)}\n",
        ),
    ):
        assert advice in run_verb(*words, *more, code=2).stderr
    with pytest.raises(UsageError) as caught:
        trained_file(mistyped)
    assert caught.value.hint == Again({"workspace": root})


def test_a_workspace_without_a_generator_says_how_to_train(run_verb, tmp_path):
    lay_out(tmp_path / "ws", {"test": draw_people(100, 3)})
    result = run_verb("edit", "a.jpg", "--to", "anger", "--workspace", tmp_path / "ws", code=2)
    assert f"faceprep train --only --workspace {tmp_path / 'ws'}" in result.stderr
