"""Test the backend with programs that fail, crash and hang."""

import errno
import time
from types import SimpleNamespace

import pytest
from builders.openface_csv import face_of
from builders.openface_stand_in import answers, is_alive

from faceprep.faces.action_units.openface.programs import batch_runner as isolate

ABORT = (
    "FaceLandmarkImg was killed by SIGABRT: terminate called after throwing an instance of"
    " 'std::length_error', what(): cannot create std::vector larger than max_size()"
)


@pytest.mark.parametrize("deed", ["abort", "crash", "exit", "hang"])
@pytest.mark.parametrize("place", [0, 4, 9])
def test_the_culprit_fails_alone(root, tool, photographs, run, deed, place):
    names = photographs(10)
    for k, name in enumerate(names):
        tool.order(root / name, deed if k == place else None, au=k / 4)
    found = answers(run([face_of(name) for name in names], openface_timeout=3.0))
    reasons = {
        "abort": ABORT,
        "crash": "FaceLandmarkImg was killed by SIGSEGV, saying nothing",
        "exit": "FaceLandmarkImg ended with status 3: Error: Could not open the image: "
        + names[place],
        "hang": "FaceLandmarkImg took more than 3 s (aus.openface_timeout), saying nothing",
    }
    assert found.pop(place) == reasons[deed]
    assert found == [k / 4 for k in range(10) if k != place]
    assert len(tool.calls()) <= 8


def test_several_culprits_and_pictures_without_a_face(root, tool, photographs, run):
    names = photographs(20)
    deeds = {3: "abort", 4: "noface", 9: "crash", 10: "abort", 19: "noface"}
    for k, name in enumerate(names):
        tool.order(root / name, deeds.get(k), au=k / 4)
    found = answers(run([face_of(name) for name in names]))
    for k, answer in enumerate(found):
        if deeds.get(k) == "noface":
            assert answer == "FaceLandmarkImg found no face"
        elif k in deeds:
            assert "killed by" in answer
        else:
            assert answer == k / 4
    assert len(tool.calls()) < 15


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("garbage", "FaceLandmarkImg wrote a CSV that is no text in UTF-8, saying nothing"),
        ("truncated", "FaceLandmarkImg wrote a CSV that is cut short, saying nothing"),
        ("ignore", "FaceLandmarkImg wrote no CSV, saying nothing"),
    ],
)
def test_bad_output_with_a_good_end_fails_alone(root, tool, photographs, run, deed, reason):
    names = photographs(6)
    for k, name in enumerate(names):
        tool.order(root / name, deed if k == 2 else None, au=k / 4)
    found = answers(run([face_of(name) for name in names]))
    assert found == [0, 0.25, reason, 0.75, 1, 1.25]


def test_a_bad_end_with_whole_output_is_not_believed(root, tool, photographs, run):
    names = photographs(5)
    for name in names:
        tool.order(root / name)
    tool.set(status=7)
    found = answers(run([face_of(name) for name in names]))
    assert found == ["FaceLandmarkImg ended with status 7, saying nothing"] * 5


def test_a_program_that_is_broken_is_not_tried_on_every_picture(root, tool, photographs, run):
    names = photographs(40)
    for name in names:
        tool.order(root / name)
    tool.set(start="ERROR: Could not load the landmark detector")
    found = answers(run([face_of(name) for name in names]))
    expected = "FaceLandmarkImg ended with status 1: ERROR: Could not load the landmark detector"
    assert found == [expected] * 40
    assert len(tool.calls()) == 3


def test_garbage_on_the_way_is_no_matter(root, tool, photographs, run):
    (name,) = photographs(1)
    tool.order(root / name, "flood", au=2)
    assert answers(run([face_of(name)])) == [2]


def test_what_a_hanging_program_started_dies_with_it(root, tool, photographs, run):
    (name,) = photographs(1)
    tool.order(root / name, "child")
    (reason,) = answers(run([face_of(name)], openface_timeout=1.0))
    assert "took more than 1 s" in reason
    child = int((tool.folder / "child.txt").read_text())
    until = time.monotonic() + 3
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(child)


def test_a_full_disk_is_nobodys_face(root, tool, photographs, run, monkeypatch):
    names = photographs(2)
    tool.order(root / names[0])
    tool.order(root / names[1], "truncated")
    monkeypatch.setattr(isolate.shutil, "disk_usage", lambda folder: SimpleNamespace(free=4096))
    with pytest.raises(OSError, match="No space left") as caught:
        run([face_of(name) for name in names])
    assert caught.value.errno == errno.ENOSPC
