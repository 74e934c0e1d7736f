import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprep.faces.action_units.openface.csv.path_match import PathMatcher, agreement

OULU = [
    f"{light}/P{subject:03d}/{expression}/{frame:03d}"
    for light in ("NI/Strong", "VL/Strong")
    for subject in (1, 2)
    for expression in ("Anger", "Fear")
    for frame in (0, 17)
]


def split(paths):
    return [tuple(path.split("/")) for path in paths]


def ending_in(targets):
    return lambda last: [target for target in targets if target[-1] == last]


def folders_of(targets):
    return {part for target in targets for part in target[:-1]}


def find(names, target, identity=(), targets=()):
    """Return the name that belongs to a target, or the reason."""
    targets = split({target, *targets})
    match = PathMatcher(split(names)).find(
        tuple(target.split("/")), identity, ending_in(targets), lambda: folders_of(targets)
    )
    return "/".join(match.name) if match.name else match.reason


def test_a_mirrored_tree_is_found_below_any_folder():
    target = "VL/Strong/P002/Fear/017"
    for above in ("", "out/", "some/where/"):
        names = [above + path for path in OULU]
        assert find(names, target, ("P002", "Fear"), OULU) == above + target


def test_less_of_the_tree_is_enough_where_it_says_whose_it_is():
    names = ["P001/Anger/017", "P002/Anger/017", "P002/Fear/017"]
    visible = [path for path in OULU if path.startswith("VL")]
    target = "VL/Strong/P002/Fear/017"
    assert find(names, target, ("P002", "Fear"), visible) == "P002/Fear/017"


def test_what_two_pictures_could_claim_is_nobodys():
    reason = find(["P002/Fear/017"], "VL/Strong/P002/Fear/017", ("P002", "Fear"), OULU)
    assert reason == (
        "P002/Fear/017.csv fits 2 places: NI/Strong/P002/Fear/017, VL/Strong/P002/Fear/017"
    )
    assert "fits 8 places" in find(["017"], "VL/Strong/P002/Fear/017", ("P002", "Fear"), OULU)
    two = find(["a/017", "b/017"], "x/017")
    assert two == "2 CSV files fit it: a/017, b/017"
    assert find(["a/017", "b/c/017"], "x/017") == "2 CSV files fit it: a/017, b/c/017"


def test_a_picture_that_is_not_listed_has_rivals_all_the_same():
    match = PathMatcher(split(["017"])).find(("x", "017"), (), lambda last: split(["y/017"]), set)
    assert match.reason == "017.csv fits 2 places: x/017, y/017"


def test_another_persons_file_is_not_borrowed():
    """The image without a face has no CSV; a neighbour's file has the same name."""
    target = "VL/Strong/P002/Fear/017"
    names = ["out/P001/Fear/017"]
    assert find(names, target, ("P002", "Fear"), OULU) is None
    assert find(["happiness/001", "anger/002"], "anger/001", (), ["happiness/001"]) is None
    # Nor if P001 does not exist on disk any more.
    alike = "out/P001/Fear/017.csv is called alike, but lies in other folders"
    assert find(names, target, ("P002", "Fear")) == alike
    alike = "happiness/001.csv is called alike, but lies in other folders"
    assert find(["happiness/001", "sad/2"], "anger/001", (), ["happiness/2"]) == alike


def test_a_flat_folder_serves_names_that_are_unique():
    names = ["out/000001", "out/000002"]
    pictures = ["img_align_celeba/000001", "img_align_celeba/000002"]
    assert find(names, pictures[1], ("4711",), pictures) == "out/000002"
    assert find(["000002"], pictures[1], ("4711",), pictures) == "000002"
    assert find(names, "img_align_celeba/000003", ("1",), pictures) is None


def test_a_folder_filled_by_several_processes_serves_them_too():
    names = ["0/John_Doe_0001", "1/Jane_Doe_0001"]
    pictures = ["images/John_Doe_0001", "images/Jane_Doe_0001", "images/Jim_Doe_0001"]
    assert [find(names, picture, (), pictures) for picture in pictures] == [*names, None]


def test_names_that_tell_the_person_need_no_folders():
    pictures = ["S005/001/S005_001_00000011", "S010/001/S010_001_00000011"]
    names = ["x/S005_001_00000011", "y/S010_001_00000011"]
    assert find(names, pictures[0], ("S005", "001"), pictures) == names[0]


@pytest.mark.parametrize("name", ["S005/001", "S005_001", "S005-001", "S005__001", "out/S005_001"])
def test_a_sequences_file_may_join_its_folders_names(name):
    folders = ["images/S005/001", "images/S010/001", "images/S005/002"]
    assert find([name], folders[0], ("S005", "001"), folders) == name
    assert find([name], folders[1], ("S010", "001"), folders) is None
    assert find([name], folders[2], ("S005", "002"), folders) is None


def test_a_lone_folders_name_is_not_enough_for_several():
    folders = ["VL/P001/Anger", "VL/P002/Anger"]
    assert find(["Anger"], folders[0], ("P001", "Anger"), folders) == (
        "Anger.csv fits 2 places: VL/P001/Anger, VL/P002/Anger"
    )
    assert find(["Anger"], folders[0], ("P001", "Anger"), folders[:1]) == "Anger"


def test_exactly_the_same_path_wins_over_longer_ones():
    targets = ["a/017", "x/a/017"]
    assert find(["a/017", "x/a/017"], "a/017", (), targets) == "a/017"
    assert find(["a/017", "x/a/017"], "x/a/017", (), targets) == "x/a/017"


def test_a_file_goes_to_the_picture_whose_whole_path_it_names():
    targets = ["b/017", "a/b/017"]
    assert find(["a/b/017"], "a/b/017", (), targets) == "a/b/017"
    assert find(["a/b/017"], "b/017", (), targets) is None


def test_whole_identifiers_are_found_joined_or_as_folders():
    matcher = PathMatcher(split(["crops/folder__a__b", "folder/a/c", "d"]))
    assert matcher.exact(("folder", "a", "b")).name == ("crops", "folder__a__b")
    assert matcher.exact(("folder", "a", "c")).name == ("folder", "a", "c")
    assert matcher.exact(("folder", "a", "d")).name is None
    twice = PathMatcher(split(["x/folder__a", "y/folder__a"])).exact(("folder", "a"))
    assert twice.name is None
    assert twice.reason.startswith("2 CSV files fit it")


def test_agreement_counts_parts_from_the_end():
    target = ("VL", "P001", "Anger")
    assert agreement(("Anger",), target) == 1
    assert agreement(("P001", "Anger"), target) == 2
    assert agreement(("P001_Anger",), target) == 2
    assert agreement(("VL", "P001_Anger"), target) == 3
    assert agreement(("P002", "Anger"), target) == 1
    assert agreement(("Fear",), target) == 0


PART = st.sampled_from("ab1")
PATH = st.lists(PART, min_size=1, max_size=4).map(tuple)


@settings(max_examples=300)
@given(st.sets(PATH, min_size=1, max_size=4), st.sets(PATH, min_size=1, max_size=4))
def test_no_file_is_given_to_two_pictures(names, targets):
    matcher = PathMatcher(names)
    found = [
        matcher.find(target, (), ending_in(targets), lambda: folders_of(targets)).name
        for target in targets
    ]
    taken = [name for name in found if name is not None]
    assert len(taken) == len(set(taken))


@given(st.sets(PATH, min_size=1, max_size=8), st.lists(st.sampled_from("xy"), max_size=3))
def test_a_whole_mirror_is_always_found(targets, above):
    matcher = PathMatcher([(*above, *target) for target in targets])
    for target in targets:
        match = matcher.find(target, (), ending_in(targets), lambda: folders_of(targets))
        assert match.name == (*above, *target)
