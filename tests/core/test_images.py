import os
import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from faceprep.core import images
from faceprep.core.images import UnreadableImage, decode_image, read_image, write_png

SIZE = (40, 24)  # width, height


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """A smooth colour picture whose four corners differ."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    channels = [x * 255 / (SIZE[0] - 1), y * 255 / (SIZE[1] - 1), 255 - (x + y) * 4 % 256]
    return np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def difference(left: np.ndarray, right: np.ndarray) -> int:
    assert left.shape == right.shape
    return int(np.abs(left.astype(int) - right.astype(int)).max())


def reason(data: bytes, **options: int) -> str:
    with pytest.raises(UnreadableImage) as caught:
        decode_image(data, **options)
    return str(caught.value)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_size(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


# ----- what an image may be


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "TIFF", "GIF"])
def test_lossless_formats_give_the_pixels_back(picture: np.ndarray, kind: str) -> None:
    flat = (picture // 64) * 64  # few colours, so that a palette holds them all
    image = decode_image(encoded(Image.fromarray(flat), kind))
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert difference(image, flat) == 0


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {}), ("JPEG2000", {})],
)
def test_lossy_formats_come_near(picture: np.ndarray, kind: str, options: dict) -> None:
    data = encoded(Image.fromarray(picture), kind, quality=95, **options)
    assert np.abs(decode_image(data).astype(int) - picture).mean() < 6


def test_gray_becomes_three_equal_channels(picture: np.ndarray) -> None:
    gray = Image.fromarray(picture).convert("L")
    for kind in ("PNG", "JPEG", "TIFF", "PPM"):
        image = decode_image(encoded(gray, kind))
        assert image.shape == (*SIZE[::-1], 3)
        assert (image == image[..., :1]).all()
        assert difference(image[..., 0], np.asarray(gray)) <= (4 if kind == "JPEG" else 0)


@pytest.mark.parametrize("extension", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_are_scaled_not_wrapped(channels: int, extension: str) -> None:
    values = np.linspace(0, 65535, 64 * 48 * channels).astype(np.uint16).reshape(48, 64, channels)
    data = cv2.imencode(extension, values[..., ::-1])[1].tobytes()  # OpenCV writes BGR
    expected = np.broadcast_to(values / 257, (48, 64, 3))
    assert np.abs(decode_image(data) - expected).max() <= 1


def test_16_bit_whole_levels_are_exact() -> None:
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    image = decode_image(encoded(Image.fromarray(levels), "PNG"))
    assert difference(image[..., 0], (levels // 257).astype(np.uint8)) == 0


def test_big_endian_16_bit_tiff() -> None:
    levels = (np.arange(256, dtype=np.uint16).reshape(16, 16) * 257).astype(">u2")
    image = Image.frombytes("I;16B", (16, 16), levels.tobytes())
    assert decode_image(encoded(image, "TIFF"))[..., 1].ravel().tolist() == list(range(256))


def test_transparency_is_laid_on_white(picture: np.ndarray) -> None:
    layer = np.dstack([picture, np.full(SIZE[::-1], 255, np.uint8)])
    layer[:, :10, 3] = 0  # with colours left under it
    layer[:, 10:20, 3] = 128
    for kind in ("PNG", "TIFF"):
        image = decode_image(encoded(Image.fromarray(layer), kind))
        assert (image[:, :10] == 255).all()
        blended = (picture[:, 10:20] * (128 / 255) + 127).round()
        assert np.abs(image[:, 10:20] - blended).max() <= 1
        assert difference(image[:, 20:], picture[:, 20:]) == 0


def test_odd_images_are_converted_in_bands(
    picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = np.dstack([picture, picture[..., 0]])
    files = [
        encoded(Image.fromarray(layer), "PNG"),
        encoded(Image.fromarray(picture).quantize(16), "PNG", transparency=3),
        encoded(Image.fromarray(picture.astype(np.uint16)[..., 0] * 200), "PNG"),
    ]
    whole = [decode_image(data) for data in files]
    monkeypatch.setattr(images, "_BAND_PIXELS", 7 * SIZE[0])
    for data, image in zip(files, whole, strict=True):
        np.testing.assert_array_equal(decode_image(data), image)


def test_gray_with_alpha() -> None:
    pixels = np.array([[[10, 255], [10, 0]]], np.uint8)
    image = decode_image(encoded(Image.fromarray(pixels, "LA"), "PNG"))
    assert image.tolist() == [[[10] * 3, [255] * 3]]


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
def test_palette_with_and_without_transparency(picture: np.ndarray) -> None:
    image = Image.fromarray((picture // 128) * 128).quantize(8)
    assert difference(decode_image(encoded(image, "PNG")), np.asarray(image.convert("RGB"))) == 0
    first = image.getpixel((0, 0))
    seen = decode_image(encoded(image, "PNG", transparency=first))
    assert (seen[np.asarray(image) == first] == 255).all()


def test_transparent_colour_of_an_rgb_png(picture: np.ndarray) -> None:
    key = tuple(int(v) for v in picture[3, 3])
    image = decode_image(encoded(Image.fromarray(picture), "PNG", transparency=key))
    assert image[3, 3].tolist() == [255, 255, 255]
    assert image[0, 0].tolist() == picture[0, 0].tolist()


def test_one_bit() -> None:
    bits = Image.fromarray(np.eye(8, dtype=bool))
    for kind in ("PNG", "TIFF"):
        assert (
            difference(decode_image(encoded(bits, kind))[..., 2], np.eye(8, dtype=int) * 255) == 0
        )


def test_cmyk_jpeg_is_neither_inverted_nor_tinted() -> None:
    colours = [(250, 250, 250), (5, 5, 5), (220, 30, 30), (30, 200, 60)]
    blocks = np.repeat(np.array(colours, np.uint8)[None], 16, axis=0).repeat(16, axis=1)
    # Pillow writes CMYK as Adobe's programs do, inverted and with their marker.
    data = encoded(Image.fromarray(blocks).convert("CMYK"), "JPEG", quality=98)
    assert b"Adobe" in data
    assert difference(decode_image(data)[8, 8::16], np.array(colours)) <= 6


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "blue", "lime")]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert decode_image(data)[3, 4].tolist() == [255, 0, 0], kind


# What a viewer shows when the stored picture is the upright one turned by the inverse
# (EXIF 2.3, table 6: where row 0 and column 0 of the stored picture lie in the upright one).
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],  # top, right
    3: lambda a: a[::-1, ::-1],  # bottom, right
    4: lambda a: a[::-1],  # bottom, left
    5: lambda a: a.swapaxes(0, 1),  # left, top
    6: lambda a: np.rot90(a, 1),  # right, top: to be turned clockwise
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: lambda a: np.rot90(a, -1),  # left, bottom: to be turned anticlockwise
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_exif_orientation(picture: np.ndarray, kind: str, orientation: int) -> None:
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](picture)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    image = decode_image(encoded(stored, kind, exif=exif, **options))
    assert image.shape == picture.shape
    assert image.flags.c_contiguous
    assert np.abs(image.astype(int) - picture).mean() < (6 if kind == "JPEG" else 0.01)


def test_nonsense_orientations_are_ignored(picture: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    data = encoded(Image.fromarray(picture), "JPEG", exif=exif)
    assert decode_image(data).shape == picture.shape
    broken = data.replace(b"Exif\0\0", b"Exif\0\0\xff\xfe\xfd", 1)  # the block itself is garbage
    assert decode_image(broken[:40] + broken[43:]).shape == picture.shape


def test_markers_that_may_stand_anywhere_in_a_jpeg(picture: np.ndarray) -> None:
    data = encoded(Image.fromarray(picture), "JPEG")
    padded = data[:2] + b"\xff\xff\xff" + data[2:]  # fill bytes
    assert difference(decode_image(padded), decode_image(data)) == 0
    comment = data[:2] + b"\xff\xfe\x00\x06abcd" + data[2:]
    assert difference(decode_image(comment), decode_image(data)) == 0


def test_one_pixel() -> None:
    assert decode_image(encoded(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")).tolist() == [
        [[1, 2, 3]]
    ]


def test_garbage_after_the_end_is_tolerated(picture: np.ndarray) -> None:
    for kind in ("PNG", "JPEG", "GIF"):
        data = encoded(Image.fromarray(picture), kind)
        assert difference(decode_image(data + b"\0\xffjunk" * 50), decode_image(data)) == 0


def test_a_jpeg_that_lacks_only_its_end_marker_is_never_half_a_picture(picture: np.ndarray) -> None:
    data = encoded(Image.fromarray(picture), "JPEG")
    try:
        image = decode_image(data[:-2])
    except UnreadableImage as error:
        assert "truncated" in str(error)  # noqa: PT017
    else:
        assert difference(image, decode_image(data)) == 0


# ----- what it may not be


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_truncated(kind: str, part: float) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8))
    data = encoded(noise, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = reason(data[: int(len(data) * part)])
    if kind in ("PNG", "JPEG", "GIF", "BMP", "PPM"):
        assert text.startswith("truncated")


def test_a_truncated_jpeg_with_a_whole_thumbnail_inside_is_truncated(picture: np.ndarray) -> None:
    thumbnail = encoded(Image.fromarray(picture[:8, :8]), "JPEG")
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0" + thumbnail
    data = encoded(Image.fromarray(picture).resize((300, 300)), "JPEG", exif=exif)
    assert decode_image(data).shape == (300, 300, 3)
    assert "truncated" in reason(data[: len(data) * 3 // 4])


def test_a_flipped_byte_in_a_png_is_noticed(picture: np.ndarray) -> None:
    data = bytearray(encoded(Image.fromarray(picture), "PNG"))
    data[len(data) // 2] ^= 0x10
    assert "checksum" in reason(bytes(data))


@pytest.mark.parametrize(
    "data", [b"not an image\n" * 20, b"\xff\xd8\xff", b"\0" * 500, b"GIF89a", b"%PDF-1.4 ..."]
)
def test_other_files(data: bytes) -> None:
    assert reason(data)


def test_postscript_is_not_run() -> None:
    assert "no image" in reason(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")


def test_float_and_32_bit_pixels_have_no_known_range() -> None:
    assert "range" in reason(encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"))
    assert "range" in reason(encoded(Image.fromarray(np.ones((4, 4), np.int32)), "TIFF"))


def test_huge_images_are_refused_by_their_header() -> None:
    assert "20000×20000" in reason(png_of_size(20_000, 20_000))
    jpeg = bytearray(encoded(Image.new("RGB", (16, 16)), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 20_000, 20_000)
    assert "20000×20000" in reason(bytes(jpeg))
    gif = bytearray(encoded(Image.new("RGB", (16, 16)), "GIF"))
    gif[6:10] = struct.pack("<HH", 20_000, 20_000)
    assert "too large" in reason(bytes(gif))
    tiff = encoded(Image.new("L", (16, 16)), "TIFF")
    for tag in (256, 257):  # width, length: one short each
        tiff = tiff.replace(
            struct.pack("<HHIHH", tag, 4, 1, 16, 0), struct.pack("<HHII", tag, 4, 1, 20_000)
        )
        tiff = tiff.replace(
            struct.pack("<HHIHH", tag, 3, 1, 16, 0), struct.pack("<HHIHH", tag, 3, 1, 20_000, 0)
        )
    assert "too large" in reason(tiff)


def test_the_limit_is_the_callers() -> None:
    data = encoded(Image.new("RGB", (20, 10)), "PNG")
    assert decode_image(data, max_pixels=200).shape == (10, 20, 3)
    assert "199" in reason(data, max_pixels=199)
    assert "too large" in reason(encoded(Image.new("L", (20, 10)), "GIF"), max_pixels=199)


# ----- files


def unreadable(path: Path, **options: int) -> str:
    with pytest.raises(UnreadableImage) as caught:
        read_image(path, **options)
    return str(caught.value)


def test_spaces_and_other_alphabets(tmp_path: Path, picture: np.ndarray) -> None:
    path = tmp_path / "Ein Ordner" / "größe 顔 🙂.png"
    path.parent.mkdir()
    write_png(path, picture)
    assert difference(read_image(path), picture) == 0


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    assert "folder" in unreadable(tmp_path / "folder.jpg")
    assert "No such file" in unreadable(tmp_path / "missing.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    assert "symbolic links" in unreadable(tmp_path / "loop.jpg")
    (tmp_path / "empty.jpg").touch()
    assert "empty" in unreadable(tmp_path / "empty.jpg")
    assert unreadable(tmp_path / "with\0nul.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "regular" in unreadable(tmp_path / "pipe.jpg")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path, picture: np.ndarray) -> None:
    write_png(tmp_path / "secret.png", picture)
    (tmp_path / "secret.png").chmod(0)
    assert "ermission" in unreadable(tmp_path / "secret.png")


def test_a_file_too_long_for_its_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "long.jpg"
    with path.open("wb") as stream:
        stream.truncate(3 << 30)  # sparse: takes no room
    assert "too large" in unreadable(path)


# ----- writing


def test_png_round_trip_and_stable_bytes(tmp_path: Path, picture: np.ndarray) -> None:
    first = write_png(tmp_path / "a.png", picture)
    assert (tmp_path / "a.png").read_bytes() == first
    assert write_png(tmp_path / "b.png", picture.copy()) == first
    assert difference(read_image(tmp_path / "a.png"), picture) == 0
    gray = picture[..., 0]
    write_png(tmp_path / "g.png", np.ascontiguousarray(gray))
    with Image.open(tmp_path / "g.png") as image:
        assert image.mode == "L"
        assert difference(np.asarray(image), gray) == 0


def test_a_failed_write_is_an_os_error(tmp_path: Path, picture: np.ndarray) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_png(tmp_path / "missing" / "a.png", picture)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_an_os_error(picture: np.ndarray) -> None:
    with pytest.raises(OSError, match="No space"):
        write_png(Path("/dev/full"), picture)
