"""Movies of synthetic faces."""

import numpy as np
import pytest
from PIL import Image

from faceprep.core.marks import is_own_file
from faceprep.core.movie_header import read_comment
from faceprep.report.movies import even, open_movie

MARKS = {"Software": "faceprep 9.9", "synthetic": "true", "source": "Größe"}


def frames(height: int = 16) -> list[np.ndarray]:
    return [np.full((height, 24, 3), level, np.uint8) for level in (10, 100, 200, 250)]


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_movie_has_its_frames_and_says_that_it_is_synthetic(suffix, tmp_path) -> None:
    if suffix == ".mp4":
        pytest.importorskip("av")
    path = tmp_path / f"new/movie{suffix}"
    with open_movie(path, 20, MARKS) as add:
        for image in frames():
            add(image)
        assert not path.exists()
    assert read_comment(path) == "Software=faceprep 9.9; synthetic=true; source=Gr??e"
    assert is_own_file(path)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def interrupted(path) -> None:
    with open_movie(path, 20, MARKS) as add:
        add(frames()[0])
        raise KeyboardInterrupt


def test_an_interrupted_movie_leaves_the_old_file(tmp_path) -> None:
    pytest.importorskip("av")
    for suffix in (".mp4", ".gif"):
        path = tmp_path / f"movie{suffix}"
        path.write_text("old")
        with pytest.raises(KeyboardInterrupt):
            interrupted(path)
        assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_gif_loops_in_the_time_of_the_clip(tmp_path) -> None:
    path = tmp_path / "movie.gif"
    with open_movie(path, 20, MARKS) as add:
        for image in frames():
            add(image)
    with Image.open(path) as movie:
        assert (movie.n_frames, movie.info["duration"], movie.info["loop"]) == (4, 50, 0)
        for number, image in enumerate(frames()):
            movie.seek(number)
            assert (np.asarray(movie.convert("RGB")) == image).all()


def test_a_player_library_opens_the_mp4(tmp_path) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "movie.mp4"
    with open_movie(path, 12.5, MARKS) as add:
        for image in frames(height=15):
            add(image)
    with av.open(str(path)) as movie:
        stream = movie.streams.video[0]
        assert (stream.width, stream.height, stream.pix_fmt) == (24, 16, "yuv420p")
        assert float(stream.average_rate) == 12.5
        assert movie.metadata["title"] == "synthetic face"
        assert movie.metadata["comment"].startswith("Software=faceprep 9.9; synthetic=true")
        levels = [frame.to_ndarray(format="rgb24").mean() for frame in movie.decode(video=0)]
    assert levels == pytest.approx([10, 100, 200, 250], abs=4)


def test_sides_are_even() -> None:
    image = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
    assert even(image).shape == (4, 6, 3)
    assert (even(image)[:3, :5] == image).all()
    assert (even(image)[3, 5] == image[2, 4]).all()
