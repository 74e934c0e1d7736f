import cv2
import numpy as np
import pytest

from faceprep.core.image_header import add_text, read_text
from faceprep.core.images import decode_image, encode_png

IMAGE = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)


def test_words_come_back_and_pixels_stay() -> None:
    text = {"synthetic": "true", "Comment": "naïve ü", "seed": "7"}
    data = add_text(encode_png(IMAGE), text)
    assert read_text(data) == text
    assert np.array_equal(decode_image(data), IMAGE)
    plain = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(plain, IMAGE)


def test_pillow_reads_the_same_words(tmp_path) -> None:
    from PIL import Image

    path = tmp_path / "face.png"
    path.write_bytes(add_text(encode_png(IMAGE), {"generator": "exprgan", "index": "12"}))
    with Image.open(path) as image:
        assert image.text == {"generator": "exprgan", "index": "12"}


def test_a_file_without_words() -> None:
    assert read_text(encode_png(IMAGE)) == {}


@pytest.mark.parametrize("keyword", ["", "k" * 80, "a\0b"])
def test_keywords_that_cannot_stand_in_a_file(keyword: str) -> None:
    with pytest.raises(ValueError, match="no keyword"):
        add_text(encode_png(IMAGE), {keyword: "x"})


def test_no_png() -> None:
    with pytest.raises(ValueError, match="not a PNG"):
        add_text(b"\xff\xd8 jpeg", {"a": "b"})
