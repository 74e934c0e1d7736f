"""The verb ``reenact``."""

import json

import numpy as np
import pytest
from builders.units import painted
from PIL import Image

from faceprep.core.images import read_image, write_png
from faceprep.core.marks import is_own_file
from faceprep.inference import clip as clips
from faceprep.report import reenactment

FACE = "folder/S4/happiness"


def test_a_face_of_the_workspace_is_driven_by_a_folder(run_units, clip_folder, tmp_path) -> None:
    av = pytest.importorskip("av")
    out, frames = tmp_path / "out.mp4", tmp_path / "frames"
    words = ["reenact", FACE, clip_folder, "-o", out, "--frames", frames, "--fps", 10]
    found = json.loads(run_units(*words, "--smooth", 3, "--neutral", 1, "--json").stdout)
    assert found["movies"] == [str(out), str(tmp_path / "out.gif")]
    assert (found["frames"], found["missing"], found["neutral"]) == (6, [4], [1])
    assert found["smoothing"] == {"filter": "Savitzky-Golay", "window": 3, "order": 2}
    assert len(found["pictures"]) == 6
    for path, asked in zip(found["pictures"], found["asked"], strict=True):
        assert list(painted(read_image(path)).values()) == pytest.approx(asked, abs=0.07)
        with Image.open(path) as picture:
            assert (picture.text["synthetic"], picture.text["clip"]) == ("true", "smile")
    with av.open(str(out)) as movie:
        assert sum(1 for _ in movie.decode(video=0)) == 6
        assert "synthetic=true; generator=toy-aus tiny, 32 px" in movie.metadata["comment"]
    with Image.open(tmp_path / "out.gif") as movie:
        assert movie.info["duration"] == 100
    # The same command replaces what it wrote, and the movie is a clip, too.
    assert "6 frames at 10/s, 1 without a face" in run_units(*words).stdout
    result = run_units("reenact", FACE, out, "-o", tmp_path / "b.gif", code=1)
    assert "none of 6 frames shows a face" in result.stderr


def test_the_clip_may_be_shown_beside_a_photograph(
    run_units, photograph, clip_folder, tmp_path
) -> None:
    out = tmp_path / "out.gif"
    words = ["reenact", photograph, clip_folder, "--beside", "-o", out]
    result = run_units(*words, "--neutral", 2)
    assert "neutral: 1 frame (2); Savitzky-Golay over 5 frames" in result.stdout
    assert result.stdout.splitlines()[-1] == str(out)
    with Image.open(out) as movie:
        assert movie.size == (64, 32)
    assert [path.name for path in tmp_path.iterdir()] == ["out.gif"]


def test_without_pyav_a_gif_is_written(run_units, clip_folder, tmp_path, monkeypatch) -> None:
    for module in (clips, reenactment):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    where = ["--workspace", run_units.workspace]
    result = run_units("reenact", FACE, clip_folder, *where)
    assert result.stdout.splitlines()[-1] == "S4__happiness-as-smile.gif"
    assert "→ pip install av   # to write an MP4 as well" in result.stderr
    result = run_units("reenact", FACE, clip_folder, "-o", "out.mp4", *where, code=5)
    assert "an MP4 needs PyAV" in result.stderr
    assert "→ pip install av" in result.stderr


@pytest.mark.parametrize(
    ("words", "message", "hint", "code"),
    [
        ("nowhere", "there is no clip nowhere", "name a folder", 2),
        ("one", "one has one frame", "the verb transfer", 2),
        ("text.mp4", "is no video: it is text", "name a folder of frames, or a video", 2),
        ("smile --smooth 4", "odd number of frames, not 4", "--smooth 5", 2),
        ("smile --neutral 9", "has frames 1 to 6, not 9", "--neutral 6", 2),
        ("smile -o out.avi", "a movie is an MP4 or a GIF", "-o out.mp4", 2),
        ("smile -o mine.gif", "mine.gif exists and faceprep did not write it", "-o mine-2.gif", 2),
        ("smile --frames old", "holds frames of another clip", "--frames old-2", 2),
    ],
)
def test_what_cannot_be_done_says_what_to_type(
    run_units, clip_folder, tmp_path, words, message, hint, code, monkeypatch
) -> None:
    (tmp_path / "smile").symlink_to(clip_folder)
    (tmp_path / "text.mp4").write_text("hello")
    Image.new("RGB", (4, 4)).save(tmp_path / "mine.gif")
    black = np.zeros((16, 16, 3), np.uint8)
    for place in ("one/a.png", "old/000007.png"):
        (tmp_path / place).parent.mkdir()
        write_png(tmp_path / place, black)
    monkeypatch.chdir(tmp_path)
    where = ["--workspace", run_units.workspace]
    result = run_units("reenact", FACE, *words.split(), *where, code=code)
    assert message in result.stderr
    assert hint in result.stderr
    assert not is_own_file(tmp_path / "mine.gif")


def test_a_kind_without_action_units_is_refused(run_verb, clip_folder) -> None:
    result = run_verb("reenact", "folder/test000", clip_folder, code=2)
    assert "of kind exprgan, which cannot be driven by a clip" in result.stderr
    assert "→ kinds that can: " in result.stderr
