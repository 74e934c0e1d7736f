import os

import pytest

from faceprep.core.tree import is_image, walk
from faceprep.datasets.report import Report


def _files(root, report=None, **options):
    return [
        folder.join(name)
        for folder in walk(root, report.leave_out if report else None, **options)
        for name in folder.files
    ]


def test_system_files_are_left_out_and_reported(plant):
    root = plant("a/.DS_Store", "a/Thumbs.db", "a/._1.jpg", "a/1.jpg", "__MACOSX/a/1.jpg")
    report = Report()
    assert _files(root, report) == ["a/1.jpg"]
    assert report.left_out["system or hidden file"].count == 3
    assert report.left_out["system or hidden folder"].examples == ["__MACOSX"]


def test_order_is_that_of_names_whatever_the_disk_says(plant):
    root = plant("b/2.jpg", "a/10.jpg", "a/1.jpg", "c.jpg", "a/sub/0.jpg")
    assert _files(root) == ["c.jpg", "a/1.jpg", "a/10.jpg", "a/sub/0.jpg", "b/2.jpg"]


def test_link_loops_end(plant):
    root = plant("a/1.jpg")
    (root / "a" / "up").symlink_to(root)
    (root / "a" / "self").symlink_to("self")
    (root / "again").symlink_to(root / "a")
    report = Report()
    assert _files(root, report) == ["a/1.jpg"]
    assert report.left_out["folder reached a second time through a link"].count == 2
    assert report.left_out["link to nothing"].examples == ["a/self"]


def test_links_to_files_are_followed(plant, tmp_path):
    root = plant("a/1.jpg")
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"")
    (root / "in.jpg").symlink_to(root / "a" / "1.jpg")
    (root / "out.jpg").symlink_to(outside)
    assert _files(root) == ["in.jpg", "out.jpg", "a/1.jpg"]


def test_a_linked_folder_elsewhere_is_read(plant, tmp_path):
    root, disk = plant("a/1.jpg"), plant("x/2.jpg", root="disk")
    (root / "more").symlink_to(disk / "x")
    assert _files(root) == ["a/1.jpg", "more/2.jpg"]


def test_names_that_are_no_utf8_are_left_out(plant):
    root = plant("fine é.jpg")
    (root / os.fsdecode(b"bad\xff.jpg")).touch()
    (root / os.fsdecode(b"dir\xfe")).mkdir()
    report = Report()
    assert _files(root, report) == ["fine é.jpg"]
    assert report.left_out["file whose name is not UTF-8"].examples == ["bad\\xff.jpg"]
    assert report.left_out["folder whose name is not UTF-8"].count == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_folder_is_reported(plant):
    root = plant("a/1.jpg", "b/2.jpg")
    (root / "a").chmod(0)
    report = Report()
    try:
        assert _files(root, report) == ["b/2.jpg"]
    finally:
        (root / "a").chmod(0o755)
    assert report.left_out["folder that cannot be read"].count == 1


def test_pipes_are_not_files(plant):
    root = plant("1.jpg")
    os.mkfifo(root / "pipe.jpg")
    report = Report()
    assert _files(root, report) == ["1.jpg"]
    assert report.left_out["neither a file nor a folder"].count == 1


def test_depth_and_start(plant):
    root = plant("a/b/c/1.jpg", "a/2.jpg", "3.jpg")
    assert _files(root, max_depth=1) == ["3.jpg", "a/2.jpg"]
    assert _files(root, start="a/b") == ["a/b/c/1.jpg"]


def test_folders_taken_off_the_list_are_not_entered(plant):
    root = plant("a/1.jpg", "b/2.jpg")
    seen = []
    for folder in walk(root):
        folder.folders = [name for name in folder.folders if name != "a"]
        seen += folder.files
    assert seen == ["2.jpg"]


def test_endings_of_images_in_any_case():
    assert all(map(is_image, ("a.JPG", "a.jpeg", "a.Png", "a.tiff", "a.pgm", "a.b.webp")))
    assert not any(map(is_image, ("a.txt", "jpg", ".jpg", "a.jpg.zip")))
