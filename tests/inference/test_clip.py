"""Frames of a folder or a video."""

import numpy as np
import pytest

from faceprep.core.errors import Again, FaceprepError, MissingToolError, Shell, UsageError
from faceprep.core.images import write_png
from faceprep.inference import clip as clips
from faceprep.inference.clip import FOLDER_RATE, open_clip, upright
from faceprep.report.movies import open_movie

MOST = 10**6


def frame(level: int, width: int = 32) -> np.ndarray:
    return np.full((16, width, 3), level, np.uint8)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "clip"
    place.mkdir()
    for number in (2, 10, 1):
        write_png(place / f"frame-{number}.png", frame(number))
    (place / "notes.txt").write_text("hello")
    return place


@pytest.fixture(scope="module", params=[".mp4", ".gif"])
def video(request, tmp_path_factory):
    pytest.importorskip("av")
    path = tmp_path_factory.mktemp("video") / f"clip{request.param}"
    with open_movie(path, 10, {}) as add:
        for level in (20, 120, 220):
            add(frame(level))
    return path


def test_frames_of_a_folder_come_in_the_order_of_their_numbers(folder) -> None:
    (folder / "frame-3.png").write_text("hello")
    clip = open_clip(str(folder), MOST)
    first, second, broken, last = clip.frames()
    assert [int(one.max()) for one in (first, second, last)] == [1, 2, 10]
    assert "no image" in broken
    assert (clip.count, clip.rate) == (4, FOLDER_RATE)
    assert open_clip(str(folder), MOST, 12).rate == 12


def test_frames_of_a_video(video) -> None:
    clip = open_clip(str(video), MOST)
    assert clip.rate == pytest.approx(10)
    found = list(clip.frames())
    assert [one.shape for one in found] == [(16, 32, 3)] * 3
    assert [round(float(one.mean())) for one in found] == pytest.approx([20, 120, 220], abs=3)


def test_a_damaged_video_is_refused_and_a_short_gif_is_shorter(video, tmp_path) -> None:
    data = video.read_bytes()
    (tmp_path / video.name).write_bytes(data[: len(data) * 2 // 3])
    if video.suffix == ".gif":
        assert len(list(open_clip(str(tmp_path / video.name), MOST).frames())) < 3
        return
    with pytest.raises(FaceprepError, match=r"is no video|cannot be decoded after frame"):
        list(open_clip(str(tmp_path / video.name), MOST).frames())


def test_frames_of_a_turned_camera_are_upright() -> None:
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert (upright(image, 0) == image).all()
    assert (upright(image, 90)[-1, 0] == image[0, 0]).all()
    assert (upright(image, -90)[0, -1] == image[0, 0]).all()
    assert upright(image, 180).shape == image.shape


def test_what_is_no_clip_is_refused(folder, tmp_path, video) -> None:
    one, empty, nested = (tmp_path / name for name in ("one", "empty", "nested"))
    for place in (one, empty, nested / "a"):
        place.mkdir(parents=True)
    write_png(one / "a.png", frame(1))
    write_png(nested / "a" / "a.png", frame(1))
    (tmp_path / "list.m3u8").write_text("#EXTM3U\nhttp://localhost/a.ts\n")
    (tmp_path / "noise.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(range(256)))
    for word, message in (
        (one, "has one frame"),
        (one / "a.png", "has one frame"),
        (empty, "has no images"),
        (tmp_path / "list.m3u8", "is no video: it is text"),
        (tmp_path / "noise.mp4", "is no video: it is damaged"),
        (tmp_path / "zzzzzz", "there is no clip"),
    ):
        with pytest.raises(UsageError, match=message):
            open_clip(str(word), MOST)
    with pytest.raises(FaceprepError, match="a frame has 512 pixels"):
        open_clip(str(video), 100)
    with pytest.raises(UsageError) as caught:
        open_clip(f"{folder}s", MOST)
    assert caught.value.hint == Again(arguments={f"{folder}s": str(folder)})
    with pytest.raises(UsageError) as caught:
        open_clip(f"{nested}/", MOST)
    assert caught.value.hint.arguments == {f"{nested}/": f"{nested}/a"}


def test_a_video_needs_pyav_and_a_folder_does_not(folder, video, monkeypatch) -> None:
    monkeypatch.setattr(clips, "find_spec", lambda name: None)
    assert len(list(open_clip(str(folder), MOST).frames())) == 3
    with pytest.raises(MissingToolError, match="needs PyAV") as caught:
        open_clip(str(video), MOST)
    assert caught.value.hint == Shell(("pip", "install", "av"))
