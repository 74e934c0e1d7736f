"""Comments of GIF and MP4 files, also of damaged ones."""

import io

import pytest
from PIL import Image

from faceprep.core.movie_header import read_comment


def gif(comment: bytes = b"", colours: int = 256) -> bytes:
    data, frame = io.BytesIO(), Image.linear_gradient("L").resize((8, 8)).quantize(colours)
    more = {"comment": comment} if comment else {}
    frame.save(data, format="GIF", save_all=True, append_images=[frame], loop=0, **more)
    return data.getvalue()


def box(kind: bytes, *content: bytes, long: bool = False) -> bytes:
    body = b"".join(content)
    if long:
        return (1).to_bytes(4, "big") + kind + (len(body) + 16).to_bytes(8, "big") + body
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def mp4(comment: bytes, long: bool = False) -> bytes:
    text = box(b"data", (1).to_bytes(4, "big"), bytes(4), comment)
    title = box(b"\xa9nam", box(b"data", (1).to_bytes(4, "big"), bytes(4), b"title"))
    items = box(b"ilst", title, box(b"\xa9cmt", text))
    movie = box(b"moov", box(b"udta", box(b"meta", bytes(4), items)), long=long)
    return box(b"ftyp", b"isom") + box(b"free") + box(b"mdat", bytes(100), long=long) + movie


LONG = b"Software=faceprep; " + b"x" * 400  # more than one block of a GIF


@pytest.mark.parametrize(
    ("data", "comment"),
    [
        (gif(b"hello"), "hello"),
        (gif(LONG), LONG.decode()),
        (gif(b"hello", 4), "hello"),
        (gif(), ""),
        (mp4(b"hello"), "hello"),
        (mp4(LONG, long=True), LONG.decode()),
        (box(b"ftyp", b"isom") + box(b"moov", b"nothing"), ""),
        (box(b"ftyp", b"isom") + bytes(40), ""),
        (b"", ""),
        (b"GIF89a", ""),
        (b"\x89PNG\r\n\x1a\n", ""),
    ],
)
def test_the_comment_is_read(data: bytes, comment: str, tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert read_comment(path) == comment


@pytest.mark.parametrize("whole", [gif(b"hello"), mp4(b"hello")])
def test_a_damaged_file_has_no_other_comment(whole: bytes, tmp_path) -> None:
    path = tmp_path / "file"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert "hello".startswith(read_comment(path))
