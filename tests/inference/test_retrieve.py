"""``retrieve``: the nearest faces of other people."""

import pytest
from builders.edits import draw_people

from faceprep.core.errors import Again, UsageError
from faceprep.core.progress import Progress
from faceprep.inference.inputs import InputFace, InputFaces, read_inputs
from faceprep.inference.retrieve import retrieve, ways_of
from faceprep.report.evaluation.codes_table import hit_tables

QUIET = Progress(quiet=True)


def test_the_nearest_are_of_other_people_and_each_of_another(painter) -> None:
    queries = read_inputs(["folder/test001"], painter)
    found = retrieve(queries, painter, ways_of("all"), "test", None, 5, QUIET)
    assert found.labels[0].by == "workspace"
    for way in ("code", "label", "pixel"):
        hits = [hit for hit in found.hits if hit.way == way]
        assert [hit.rank for hit in hits] == [1, 2]  # three people, one is the query
        assert {hit.subject for hit in hits} == {"folder/S101", "folder/S102"}
        assert hits[0].distance <= hits[1].distance
    by_label = [hit for hit in found.hits if hit.way == "label"]
    assert [hit.expression for hit in by_label] == [queries.faces[0].expression] * 2


def test_by_pixel_a_photograph_finds_itself_and_asks_nobody_for_a_label(painter) -> None:
    image = draw_people(100, 3).images[4]
    strangers = InputFaces([InputFace("stranger.png", image)])
    found = retrieve(strangers, painter, ("pixel",), "test", None, 1, QUIET)
    (hit,) = found.hits
    assert hit.face_id == "folder/test004"
    assert hit.distance == pytest.approx(0, abs=0.1)  # float32
    assert found.labels is None
    near = hit_tables(found)[1]["found"]
    assert near[0]["face_id"] == "folder/test004"


def test_by_code_the_same_strength_is_nearer_than_the_same_pixels(painter, monkeypatch) -> None:
    from faceprep.inference import retrieve as module

    people = draw_people(100, 3)
    gallery = module.open_gallery(painter, "test")
    for number, strength in enumerate((255, 128, 0)):  # how much anger is painted on each person
        of = gallery.faces.subjects == f"folder/S{100 + number}"
        gallery.faces.images[of, :8, :, 0] = strength
    monkeypatch.setattr(module, "open_gallery", lambda *_: gallery)
    image = people.images[0].copy()
    image[:8, :, 0] = 128
    asked = InputFaces([InputFace("a.png", image)])
    (hit,) = retrieve(asked, painter, ("code",), "test", "anger", 1, QUIET).hits
    assert hit.subject == "folder/S101"


def test_a_label_that_q_does_not_know_is_refpainter(painter) -> None:
    queries = read_inputs(["folder/test001"], painter)
    with pytest.raises(UsageError, match="neutral is no class") as caught:
        retrieve(queries, painter, ("code",), "test", "neutral", 1, QUIET)
    assert caught.value.hint == Again({"by": "pixel"})
    with pytest.raises(UsageError, match="by 'colour'"):
        ways_of("colour")
    with pytest.raises(UsageError, match="no split 'all'"):
        retrieve(queries, painter, ("code",), "all", "anger", 1, QUIET)
