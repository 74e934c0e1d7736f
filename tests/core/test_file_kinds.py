import gzip
import os
import shlex
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceprep.core import file_kinds
from faceprep.core.file_kinds import (
    EMPTY,
    TEXT,
    UNKNOWN,
    KindsByEnding,
    foreign_files,
    kind_of,
    kind_of_file,
)
from faceprep.core.images import UnreadableImage, decode_image


def picture(kind: str, **options: object) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (16, 16), "teal").save(stream, kind, **options)
    return stream.getvalue()


def zipped(name: str) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, "x")
    return stream.getvalue()


READ = ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF", "MPO"]


@pytest.mark.parametrize("kind", READ)
def test_what_is_taken_for_an_image_is_decoded(kind: str) -> None:
    data = picture(kind)
    assert kind_of(data).image
    assert decode_image(data).shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", "Git LFS"),
        (b"/annex/objects/SHA256E-s12--abc.jpg\n", "git-annex"),
        (b"outs:\n- md5: a304afb9\n  path: data\n", "DVC"),
        (b"<!DOCTYPE html>\n<html>", "web page"),
        (b"\xef\xbb\xbf\n<HTML><HEAD>", "web page"),
        (b'{"error": "rate limit"}', "message of a server"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", "video"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"\x1aE\xdf\xa3\x93B\x82\x88matroska", "video"),
        (bytes.fromhex("3026B2758E66CF11A6D900AA0062CE6C"), "video"),
        (b"\0\0\x01\xba\x44\0", "video"),
        (zipped("a.jpg"), "zip"),
        (zipped("[Content_Types].xml"), "Office"),
        (zipped("images.npy"), "NumPy"),
        (b"Rar!\x1a\x07\x01\0", "RAR"),
        (b"7z\xbc\xaf'\x1c\0\4", "7z"),
        (b"a.jpg".ljust(257, b"\0") + b"ustar\0", "tar"),
        (gzip.compress(b"P5 1 1 255 x", mtime=0), "gzip"),
        (b"%PDF-1.4", "PDF"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "MATLAB"),
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64", "MATLAB"),
        (b"\x93NUMPY\1\0", "NumPy"),
        (b"II*\0\x10\0\0\0CR\x02\0", "RAW"),
        (b"FUJIFILMCCD-RAW 0201", "RAW"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "RAW"),
        (picture("TIFF", tiffinfo={50706: b"\1\4\0\0"}), "RAW"),
        (picture("TIFF", tiffinfo={254: 1, 330: 1000}), "RAW"),
        (picture("ICO"), "another format"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "another format"),
        (b"hello\n", "text"),
        ("größe;Ä\n".encode("cp1252"), "text"),
    ],
)
def test_other_files_are_named_as_what_they_are(data: bytes, what: str) -> None:
    kind = kind_of(data)
    assert what in kind.what
    assert not kind.image
    with pytest.raises(UnreadableImage, match=what):
        decode_image(data)


def test_plain_tiffs_are_no_camera_files() -> None:
    assert kind_of(picture("TIFF", tiffinfo={254: 0})).image
    assert kind_of(struct.pack("<2sHI", b"II", 42, 10_000)).image  # the directory is far away


def test_a_compressed_archive_is_told_by_its_ending() -> None:
    data = gzip.compress(b"x")
    assert kind_of(data, "faces.tar.gz").what == kind_of(data, "f.TGZ").what
    assert "tar" in kind_of(data, "faces.tar.gz").what
    assert "tar" not in kind_of(data, "face.pgm.gz").what


def test_the_commands_name_the_file() -> None:
    (unzip,) = kind_of(zipped("a")).hint("my data/a b.zip")
    assert shlex.join(unzip.words) == "unzip -q 'my data/a b.zip' -d 'my data/a b'"
    (tar,) = kind_of(gzip.compress(b"x"), "d.1/f.tar.gz").hint("d.1/f.tar.gz")
    assert tar.words == ("tar", "-xf", "d.1/f.tar.gz", "--one-top-level=d.1/f")
    folder, frames = kind_of(b"RIFF\0\0\0\0AVI ").hint("a.avi")
    assert folder.words == ("mkdir", "-p", "a")
    assert frames.words[:3] == ("ffmpeg", "-i", "a.avi")
    (pull,) = kind_of(b"version https://git-lfs.github.com/spec/v1\n").hint("x.jpg")
    assert pull.words == ("git", "-C", ".", "lfs", "pull")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert kind_of_file(f"{tmp_path}/empty") is EMPTY
    assert kind_of_file(f"{tmp_path}/gone") is UNKNOWN
    assert kind_of_file(str(tmp_path)) is UNKNOWN
    os.mkfifo(tmp_path / "pipe")
    assert kind_of_file(f"{tmp_path}/pipe") in (EMPTY, UNKNOWN)
    assert kind_of(np.random.default_rng(0).bytes(300)[::-1]) is UNKNOWN


def test_common_endings_are_examined_for_a_while(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(file_kinds, "EXAMINED", 3)
    for k in range(6):
        (tmp_path / f"{k}.txt").write_text("text")
        (tmp_path / f"subject.{k}").write_bytes(picture("GIF"))
        (tmp_path / f"{k}.dat").write_bytes(picture("GIF") if k == 1 else b"text")
    (tmp_path / "5.txt").write_bytes(picture("PNG"))
    kinds = KindsByEnding()
    assert all(kinds(f"{tmp_path}/{k}.txt") is TEXT for k in range(6))
    assert all(kinds(f"{tmp_path}/subject.{k}").image for k in range(6))
    assert [kinds(f"{tmp_path}/{k}.dat").image for k in range(6)] == [k == 1 for k in range(6)]


def test_foreign_files_are_counted_with_the_first_of_them(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.mp4", "sub/c.mp4"):
        (tmp_path / name).write_bytes(b"\0\0\0\x20ftypisom")
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "a.jpg").write_bytes(picture("JPEG"))
    ((kind, found),) = foreign_files(tmp_path).items()
    assert kind.what == "a video"
    assert found == (2, f"{tmp_path}/b.mp4")
