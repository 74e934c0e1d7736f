"""``retrieve``: the nearest faces of other people."""

import json

import numpy as np
import pytest
from builders.edits import CLASSES, draw_people
from PIL import Image

from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.inference.inputs import Portrait, Portraits, read_portraits
from faceprep.inference.retrieve import draw_hits, find_hits, hit_tables, ways_of

QUIET = Progress(quiet=True)


def test_the_nearest_are_of_other_people_and_each_of_another(used) -> None:
    portraits = read_portraits(["folder/test001"], used, "faceprep retrieve")
    found = find_hits(portraits, used, ways_of("all"), "test", None, 5, QUIET)
    assert found.labels[0].by == "workspace"
    for way in ("code", "label", "pixel"):
        hits = [hit for hit in found.hits if hit.way == way]
        assert [hit.rank for hit in hits] == [1, 2]  # three people, one is the query
        assert {hit.subject for hit in hits} == {"folder/S101", "folder/S102"}
        assert hits[0].distance <= hits[1].distance
    by_label = [hit for hit in found.hits if hit.way == "label"]
    assert [hit.expression for hit in by_label] == [portraits.faces[0].expression] * 2


def test_by_pixel_a_photograph_finds_itself_and_asks_nobody_for_a_label(used) -> None:
    image = draw_people(100, 3).images[4]
    strangers = Portraits([Portrait("stranger.png", image)])
    found = find_hits(strangers, used, ("pixel",), "test", None, 1, QUIET)
    (hit,) = found.hits
    assert hit.face_id == "folder/test004"
    assert hit.distance == pytest.approx(0, abs=0.1)  # float32
    assert found.labels is None
    near = hit_tables(found)[1]["found"]
    assert near[0]["face_id"] == "folder/test004"


def test_by_code_the_same_strength_is_nearer_than_the_same_pixels(used, monkeypatch) -> None:
    from faceprep.inference import retrieve as module

    people = draw_people(100, 3)
    gallery = module.open_gallery(used, "test")
    for number, strength in enumerate((255, 128, 0)):  # how much anger is painted on each person
        of = gallery.faces.subjects == f"folder/S{100 + number}"
        gallery.faces.images[of, :8, :, 0] = strength
    monkeypatch.setattr(module, "open_gallery", lambda *_: gallery)
    image = people.images[0].copy()
    image[:8, :, 0] = 128
    asked = Portraits([Portrait("a.png", image)])
    (hit,) = find_hits(asked, used, ("code",), "test", "anger", 1, QUIET).hits
    assert hit.subject == "folder/S101"


def test_a_label_that_q_does_not_know_is_refused(used) -> None:
    portraits = read_portraits(["folder/test001"], used, "faceprep retrieve")
    with pytest.raises(UsageError, match="neutral is no class") as caught:
        find_hits(portraits, used, ("code",), "test", "neutral", 1, QUIET)
    assert caught.value.hint == "--by pixel"
    with pytest.raises(UsageError, match="by 'colour'"):
        ways_of("colour")
    with pytest.raises(UsageError, match="no split 'all'"):
        find_hits(portraits, used, ("code",), "all", "anger", 1, QUIET)


def test_a_sheet_has_a_line_a_way(used, tmp_path) -> None:
    portraits = read_portraits(["folder/test001", "folder/test005"], used, "faceprep retrieve")
    sizes = []
    for ways in ("code", "all"):
        found = find_hits(portraits, used, ways_of(ways), "train", None, 3, QUIET)
        path = draw_hits(found, used, tmp_path / f"{ways}.png")
        with Image.open(path) as sheet:
            sizes.append(sheet.size)
    assert sizes[0][0] == sizes[1][0]
    assert sizes[1][1] - sizes[0][1] == 4 * (128 + 8 + 20)


def test_the_command(faceprep, tmp_path) -> None:
    out = tmp_path / "found.png"
    words = ["retrieve", "folder/test000", "--by", "all", "--top", 2, "-o", out]
    found = json.loads(faceprep(*words, "--json").stdout)
    assert len(found["found"]) == 6
    assert found["labels"][0]["by"] == "workspace"
    assert out.is_file()
    assert "folder/test" in faceprep("retrieve", "folder/test000", "--top", 1).stdout
    for more, message in (
        (["--by", "colour"], "--by code"),
        (["--gallery", "all"], "--gallery test"),
        (["--evaluate"], "looks for all test faces"),
    ):
        assert message in faceprep("retrieve", "folder/test000", *more, code=2).stderr


def test_the_command_evaluates(faceprep) -> None:
    found = json.loads(faceprep("retrieve", "--evaluate", "--json").stdout)
    rows = {(row["way"], row["labels"]): row["accuracy"] for row in found["rows"]}
    assert found["queries"] == found["gallery"] == 9
    assert rows["label", "given"] == 1
    assert found["chance"] == pytest.approx(1 / len(CLASSES))
    assert rows["label", "landmarks+HOG"] > 0.5
    assert 0 <= rows["code", "given"] <= 1
    assert np.isfinite(found["chance_gap"])
    assert "top-1" in faceprep("retrieve", "--evaluate").stdout
