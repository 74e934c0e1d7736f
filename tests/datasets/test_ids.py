from hypothesis import given
from hypothesis import strategies as st

from faceprep.datasets.ids import face_id, unique_ids
from faceprep.execution.stage import image_name

SEGMENTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=20
)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


def test_plain_names_stay_as_they_are():
    assert face_id("oulu-casia", "P001", "Anger", "017") == "oulu-casia/P001/Anger/017"
    assert face_id("folder", "my photos", "Jane_Doe_01") == "folder/my photos/Jane_Doe_01"


def test_underscores_that_could_be_slashes_are_spelled_out():
    assert face_id("folder", "a__b") == "folder/a%5F%5Fb"
    assert face_id("folder", "a_", "b") == "folder/a%5F/b"


def test_long_names_are_shortened_but_stay_different():
    one, two = face_id("folder", "é" * 200 + "1"), face_id("folder", "é" * 200 + "2")
    assert one != two
    assert len(image_name(one).encode()) < 255


def test_files_that_differ_by_their_ending_keep_it():
    ids = unique_ids("folder", ["a.jpg", "a.png", "b.jpg", "sub/a.jpg"])
    assert ids == ["folder/a.jpg", "folder/a.png", "folder/b", "folder/sub/a"]


def test_names_that_differ_in_unicode_form_are_numbered():
    ids = unique_ids("folder", ["é.jpg", "é.jpg"])
    assert len(set(ids)) == 2


@given(st.lists(PATHS, min_size=1, max_size=8, unique=True))
def test_ids_are_unique_also_as_file_names(paths):
    ids = unique_ids("folder", paths)
    names = {image_name(face) for face in ids}
    assert len(names) == len(paths)
    assert all(len(name.encode()) < 255 and "/" not in name for name in names)


@given(PATHS, PATHS)
def test_two_paths_share_an_image_name_only_when_they_share_the_id(one, two):
    first, second = face_id("folder", *one.split("/")), face_id("folder", *two.split("/"))
    assert (image_name(first) == image_name(second)) == (first == second)
