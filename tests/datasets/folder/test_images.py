from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.registry import open_dataset
from faceprep.datasets.report import Report

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"
VIDEO = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2"


def gif() -> bytes:
    stream = BytesIO()
    Image.new("L", (16, 16), 90).save(stream, "GIF")
    return stream.getvalue()


def png(software=""):
    stream, text = BytesIO(), PngInfo()
    if software:
        text.add_text("Software", software)
    Image.new("L", (16, 16), 90).save(stream, "PNG", pnginfo=text)
    return stream.getvalue()


def test_images_of_any_ending_are_taken(plant, read):
    endings = ("jfif", "jpe", "avif", "gif", "jp2", "mpo", "pbm", "JPE")
    root = plant(*(f"{k}.{ending}" for k, ending in enumerate(endings)))
    rows, report = read("folder", root)
    assert len(rows) == len(endings)
    assert not report.left_out


def test_images_without_a_known_ending_are_told_by_their_content(plant, read):
    names = ("subject01.happy", "subject01.sad", "subject02.normal", "noending", "a/b.12", "c.dat")
    rows, report = read("folder", plant("Readme.txt", texts=dict.fromkeys(names, gif())))
    paths = {row.path for row in rows} | {
        path for tally in report.left_out.values() for path in tally.examples
    }
    assert paths == {*names, "Readme.txt"}
    root = plant("notes.txt", texts=dict.fromkeys(("x", "y.happy", "z.img"), gif()), root="other")
    rows, report = read("folder", root)
    assert [row.path for row in rows] == ["x", "y.happy", "z.img"]
    assert [row.face_id for row in rows] == ["folder/x", "folder/y.happy", "folder/z.img"]
    assert report.left_out["file that is no image"].examples == ["notes.txt"]


def test_other_files_are_named_with_the_command_that_makes_them_readable(plant, read):
    root = plant(
        "a.jpg", texts={"b.mp4": VIDEO, "c.zip": "PK\x03\x04", "d.heic": b"\0\0\0\x18ftypheic"}
    )
    _, report = read("folder", root)
    (video,) = (one for one in report.as_dict()["left_out"] if "video" in one["reason"])
    assert video["examples"] == ["b.mp4"]
    assert video["commands"][1].startswith(f"ffmpeg -i {root}/b.mp4")
    assert {"zip", "HEIC"} <= {word for reason in report.left_out for word in reason.split()}


def test_files_that_only_end_like_images_are_noted(plant, read):
    names = [f"{k:03}.jpg" for k in range(40)]
    root = plant(texts=dict.fromkeys(names, LFS))
    rows, report = read("folder", root)
    assert len(rows) == 40  # align says of each row what it is
    (note,) = (text for text in report.notes if "Git LFS" in text)
    assert note.startswith("20 of 20 images looked at are none")
    assert report.as_dict()["notes"]
    (tally,) = (tally for text, tally in report.notes.items() if "Git LFS" in text)
    assert tally.as_dict()["commands"] == [f"git -C {root} lfs pull"]


@pytest.mark.parametrize("dataset", ["folder", "ck-plus", "oulu-casia", "celeba"])
def test_a_folder_of_videos_says_how_to_extract_frames(plant, dataset):
    root = plant(texts={"P1/anger.mp4": VIDEO, "P1/fear.mp4": VIDEO, "P2/more.zip": "PK\x03\x04"})
    with pytest.raises(UsageError, match="2 × a video") as caught:
        open_dataset(dataset, root, SelectConfig(), Report())
    hints = [getattr(hint, "words", ())[:2] for hint in caught.value.hint]
    assert ("ffmpeg", "-i") in hints
    assert ("unzip", "-q") in hints


def test_a_link_of_git_annex_is_named(plant, read):
    root = plant("a.jpg")
    (root / "b.jpg").symlink_to(".git/annex/objects/Xx/yy/SHA256E-s1--a.jpg/SHA256E-s1--a.jpg")
    _, report = read("folder", root)
    assert report.left_out[
        "git-annex link whose file is not here: fetch it with git annex get"
    ].examples == ["b.jpg"]


def test_pictures_that_faceprep_wrote_are_left_out_and_counted(plant, read):
    own = {"sheet.png": "faceprep 1.0", "anna/happy-2.PNG": "faceprep"}
    root = plant("anna/happy.jpg", texts={"anna/sad.png": png(), "odd.png": png("GIMP")})
    plant(texts={name: png(software) for name, software in own.items()})
    rows, report = read("folder", root)
    assert [row.path for row in rows] == ["anna/happy.jpg", "anna/sad.png", "odd.png"]
    left_out = report.left_out["picture that faceprep wrote: it is no photograph"]
    assert (left_out.count, sorted(left_out.examples)) == (2, sorted(own))
