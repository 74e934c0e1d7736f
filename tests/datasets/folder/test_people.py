"""Who is shown, by folders and file names that follow no known scheme."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from faceprep.core.errors import Again, UsageError

WORDS = ("anger", "happy", "neutral", "sad")
PEOPLE = ("anna", "bob", "carla")
NUMBERS = (1, 2, 3)


def files(pattern: str, people: Iterable[object] = PEOPLE) -> list[str]:
    """Expand {p} to people, {w} to words of expressions, {n} to numbers."""
    return sorted({pattern.format(p=p, w=w, n=n) for p in people for w in WORDS for n in NUMBERS})


@pytest.mark.parametrize(
    "pattern",
    [
        "{p}/{w}/{n}.jpg",
        "{w}/{p}/{n}.jpg",
        "{p}/session{n}/{w}/1.jpg",
        "{p}/2020-01-0{n}/{w}.jpg",
        "{p}/{w}/take00{n}/img_0001.jpg",
        "{p}/{w}/{n}/0001.jpg",
        "data/VL/{p}/{w}/{n}.jpg",
        "female/{p}/{w}{n}.jpg",
        "{p}/{w}.jpg",
        "{p}_{w}_{n}.jpg",
        "{p}-{w}.png",
        "{p} {w} ({n}).png",
        "{w}_{p}_{n}.jpg",
        "{w}/{p}.jpg",
        "{w}/{p}_{n}.jpg",
        "{w}/photo_of_{p}_{n}.jpg",
        "2024_{p}_{w}{n}_cropped.jpg",
    ],
)
@pytest.mark.parametrize("people", [PEOPLE, ("s01", "s02", "s03"), ("张伟", "李娜", "王芳")])
def test_what_repeats_across_expressions_is_a_person(
    pattern: str, people: tuple[str, ...], plant: Callable, read: Callable
) -> None:
    rows, report = read("folder", plant(*files(pattern, people)))
    assert {row.subject for row in rows} == {*people}
    assert all(
        row.subject in row.path and row.expression in ({"anger", "happiness", "neutral", "sadness"})
        for row in rows
    )
    assert report.people.source in ("the folders", "the file names")
    assert report.people.unknown == 0
    assert any("is this right? select.naming=none" in note for note in report.notes)


@pytest.mark.parametrize(
    ("pattern", "people"),
    [
        ("{p}/{w}/{n}.jpg", ("001", "002", "003")),
        ("{w}/{p}/{n}.jpg", ("12", "13", "14")),
        ("{p}_{w}_{n}.jpg", ("01", "02", "03")),
        ("subject_{p}_{w}.jpg", ("01", "02", "03")),
        ("{p}{w}.jpg", ("Anna", "Bob", "Carla")),
    ],
)
def test_people_with_numbers(
    pattern: str, people: tuple[str, ...], plant: Callable, read: Callable
) -> None:
    capital = [
        name.replace("anger", "Anger")
        .replace("happy", "Happy")
        .replace("sad", "Sad")
        .replace("neutral", "Neutral")
        for name in files(pattern, people)
    ]
    rows, _ = read("folder", plant(*capital))
    assert sorted({row.subject[-len(people[0]) :] for row in rows if row.subject}) == sorted(
        {person[-len(people[0]) :] for person in people}
    )
    assert len({row.subject for row in rows}) == len(people)


@pytest.mark.parametrize(
    "pattern",
    [
        "{w}/{n}.jpg",
        "{w}/img_000{n}.jpg",
        "{w}/im{n}.png",
        "train/{w}/im{n}.png",
        "{w}/Training_{n}23.jpg",
        "{w}/PrivateTest_1013136{n}.jpg",
        "{w}/image00000{n}.jpg",
        "{w}/train_0000{n}_aligned.jpg",
        "{w}_{n}.jpg",
        "{w}/male_{n}.jpg",
        "{w}/IMG-2020010{n}-WA000{n}.jpg",
        "{w}/Screenshot {n}.jpg",
        "{w}/ffhq_{n}.png",
        "photos/IMG_{n}.jpg",
        "{n}_{w}.jpg",
    ],
)
def test_numbers_that_count_images_are_not_people(
    pattern: str, plant: Callable, read: Callable
) -> None:
    rows, report = read("folder", plant(*files(pattern)))
    assert len({row.subject for row in rows}) == len(rows)
    assert vars(report.people) == {"source": None, "unknown": len(rows)}


def test_folders_that_call_themselves_people(plant: Callable, read: Callable) -> None:
    rows, report = read("folder", plant("sub-01/run1/1.jpg", "sub-01/run2/1.jpg", "sub-02/1.jpg"))
    assert [row.subject for row in rows] == ["sub-01", "sub-01", "sub-02"]
    assert report.people.unknown == 0


@pytest.mark.parametrize(
    "pattern",
    ["{p}_{w}.jpg", "{p}.{w}1.{n}.jpg", "{w}-{p}.jpg", "{p}/{w}_{n}.jpg", "{p}_x_{w}_y.jpg"],
)
def test_codes_of_expressions_in_names(pattern: str, plant: Callable, read: Callable) -> None:
    names = [pattern.format(p=p, w=w, n=n) for p in ("S01", "S02") for n, w in
             enumerate(("ANG", "HAP", "SUR", "SAD"))]  # fmt: skip
    rows, _ = read("folder", plant(*names))
    assert {row.subject for row in rows} == {"S01", "S02"}
    assert {row.expression for row in rows} == {"anger", "happiness", "surprise", "sadness"}


def test_people_without_expressions_are_no_unknown_words(plant: Callable, read: Callable) -> None:
    people = ("Aaron_Eckhart", "Kim_Clijsters")
    rows, report = read("folder", plant(*[f"{p}/{p}_000{n}.jpg" for p in people for n in NUMBERS]))
    assert {row.subject for row in rows} == {*people}
    assert not any("unknown words" in note for note in report.notes)


def test_frames_of_clips_are_no_people(plant: Callable, read: Callable) -> None:
    clips = [f"{w}/00{k}{n}" for k, w in enumerate(WORDS) for n in NUMBERS]
    _, report = read("folder", plant(*[f"{clip}/f{n}.jpg" for clip in clips for n in NUMBERS]))
    assert report.people.source is None


def test_people_in_groups(plant: Callable, read: Callable) -> None:
    names = [f"{lab}/{lab[0]}{n}/{w}/1.jpg" for lab in ("berlin", "paris") for n in NUMBERS
             for w in WORDS]  # fmt: skip
    rows, _ = read("folder", plant(*names))
    assert len({row.subject for row in rows}) == 6


def test_groups_are_people_where_people_are_doubtful(plant: Callable, read: Callable) -> None:
    """Nobody can be on both sides if what may be one person counts as one."""
    places = {"anna": ("home", "park"), "bob": ("work", "beach"), "carla": ("bus", "train")}
    names = [f"{p}/{place}/{w}.jpg" for p in PEOPLE for place in places[p] for w in WORDS]
    rows, _ = read("folder", plant(*names), split="random")
    assert {row.subject for row in rows} == {*PEOPLE}


def test_folders_of_people_without_expressions(plant: Callable, read: Callable) -> None:
    rows, report = read("folder", plant(*[f"F00{n}/T{k}/{n}.jpg" for n in NUMBERS for k in (1, 2)]))
    assert {row.subject for row in rows} == {"F001", "F002", "F003"}
    assert report.people.unknown == 0


@pytest.mark.parametrize("part", ["{}_set", "{}-images", "{}set"])
def test_folders_of_a_split_are_no_people(part: str, plant: Callable, read: Callable) -> None:
    names = [f"{part.format('test' if p == 'bob' else 'Train')}/{w}/{p}_1.jpg" for p in PEOPLE
             for w in WORDS]  # fmt: skip
    rows, _ = read("folder", plant(*names))
    assert {(row.subject, row.split) for row in rows} == {
        ("anna", "train"), ("bob", "test"), ("carla", "train"),
    }  # fmt: skip


def test_two_levels_that_may_be_people_are_none(plant: Callable, read: Callable) -> None:
    names = [
        f"{a}/{b}/{w}.jpg" for a in ("x1", "x2", "x3") for b in ("y1", "y2", "y3") for w in WORDS
    ]
    rows, report = read("folder", plant(*names))
    assert vars(report.people) == {"source": None, "unknown": len(rows)}
    (note,) = [note for note in report.notes if "nobody is known" in note]
    assert "3 people (x1, x2, x3) or 3 people (y1, y2, y3)" in note


def test_files_without_a_person_are_counted(plant: Callable, read: Callable) -> None:
    rows, report = read("folder", plant(*files("{p}/{w}/{n}.jpg"), "happy/extra.jpg"))
    assert vars(report.people) == {"source": "the folders", "unknown": 1}
    (extra,) = [row for row in rows if row.path == "happy/extra.jpg"]
    assert extra.subject == "happy/extra"


def test_one_person_is_spelled_in_one_way(plant: Callable, read: Callable) -> None:
    paths = ["Zoe\u0308/happy/1.jpg", "Zo\u00eb/sad/1.jpg", "zo\u00eb/anger/1.jpg", "Al/sad/1.jpg",
             "Al/happy/1.jpg"]  # fmt: skip
    rows, _ = read("folder", plant(*paths))
    assert {row.subject for row in rows} == {"Al", "Zo\u00eb"}


@pytest.mark.parametrize("pattern", ["{part}/{w}/{p}_1.jpg", "{part}/{p}/{w}/1.jpg"])
def test_a_person_in_two_folders_of_a_split_is_refused(
    pattern: str, plant: Callable, read: Callable
) -> None:
    names = [pattern.format(part=part, w=w, p=p) for part in ("train", "test") for w in WORDS
             for p in PEOPLE]  # fmt: skip
    root = plant(*names)
    with pytest.raises(UsageError, match="puts 3 subjects into more than one part: anna") as caught:
        read("folder", root)
    assert "select.naming=none takes every picture alone" in caught.value.message
    assert isinstance(caught.value.hint, Again)
    assert caught.value.hint.overrides == {"select.split": "random"}
    rows, _ = read("folder", root, split="random")
    assert len({(row.subject, row.split) for row in rows}) == 3
    _, report = read("folder", root, naming="none")
    assert report.people.source is None


def test_a_person_in_one_folder_of_a_split(plant: Callable, read: Callable) -> None:
    names = [f"{'test' if p == 'bob' else 'Train'}/{w}/{p}/1.jpg" for w in WORDS for p in PEOPLE]
    rows, report = read("folder", plant(*names))
    assert {(row.subject, row.split) for row in rows} == {
        ("anna", "train"), ("bob", "test"), ("carla", "train"),
    }  # fmt: skip
    assert report.people.unknown == 0


def test_files_of_a_folder_are_a_sequence(plant: Callable, read: Callable) -> None:
    names = [f"{p}/{w}/take{t}/{n}.jpg" for p in PEOPLE for w in WORDS for t in (1, 2)
             for n in (8, 9, 10)]  # fmt: skip
    rows, _ = read("folder", plant(*names))
    assert [(r.sequence, r.frame, r.role) for r in rows[:4]] == [
        ("anger/take1", 8, "still"), ("anger/take1", 9, "still"), ("anger/take1", 10, "still"),
        ("anger/take2", 8, "still"),
    ]  # fmt: skip
    rows, _ = read("folder", plant(), neutral_frames=1, peak_frames=1)
    assert [(r.frame, r.role, r.expression) for r in rows[:2]] == [
        (8, "neutral", "neutral"), (10, "peak", "anger"),
    ]  # fmt: skip


def test_named_photographs_are_no_sequence(plant: Callable, read: Callable) -> None:
    rows, _ = read("folder", plant(*[f"{p}/{w}/{n}.jpg" for p in PEOPLE for w in WORDS
                                     for n in ("park1", "home2")]))  # fmt: skip
    assert {row.sequence for row in rows} == {None}


def test_a_scheme_of_a_dataset_is_named_and_files_that_do_not_fit_are_left_out(
    plant: Callable, read: Callable
) -> None:
    names = [
        f"{p}.{e}1.{n}.tiff"
        for p in ("KA", "KL")
        for n, e in enumerate(("AN", "HA", "NE", "SU", "SA"))
    ]
    rows, report = read("folder", plant(*names, "KA.XX.1.tiff"))
    assert {(row.subject, row.expression) for row in rows} == {
        (person, word) for person in ("KA", "KL")
        for word in ("anger", "happiness", "neutral", "surprise", "sadness")
    }  # fmt: skip
    assert [row.face_id for row in rows][:2] == ["folder/KA.AN1.0", "folder/KA.HA1.1"]
    assert report.left_out["file that is not named like the others"].examples == ["KA.XX.1.tiff"]
    (note,) = [note for note in report.notes if "JAFFE" in note]
    assert "2 people (KA, KL); is this right? select.naming=none" in note
    rows, report = read("folder", plant(), naming="none")
    assert len({row.subject for row in rows}) == len(rows) == 11
    assert report.people.source is None


def test_a_folder_and_a_name_that_differ_leave_a_file_unlabelled(
    plant: Callable, read: Callable
) -> None:
    rows, report = read("folder", plant("angry/KA.AN1.1.tiff", "angry/KA.HA1.2.tiff"))
    assert [row.expression for row in rows] == ["anger", None]
    (tally,) = [tally for note, tally in report.notes.items() if "different expressions" in note]
    assert tally.examples == ["angry/KA.HA1.2"]


def test_an_own_pattern_is_not_asked_about(plant: Callable, read: Callable, tmp_path: Path) -> None:
    root = plant("a/x_happy.jpg", "a/y_sad.jpg", "b.jpg")
    rows, report = read("folder", root, pattern="{subject}_{expression}")
    assert [(row.subject, row.expression) for row in rows] == [("x", "happiness"), ("y", "sadness")]
    assert report.people.source == "select.pattern"
    assert not any("is this right" in note for note in report.notes)
    assert report.left_out["file that is not named like the others"].count == 1


@pytest.mark.parametrize(
    ("images", "people"),
    [
        ([f"{p}.{w}1.{n}.tiff" for p in ("KA", "KL") for n, w in enumerate(("AN", "HA", "SU"))],
         {"KA", "KL"}),
        ([f"photos/{p}/{n}.jpg" for p in PEOPLE for n in NUMBERS], {*PEOPLE}),
        ([f"{p}_{n}.jpg" for p in PEOPLE for n in NUMBERS], {*PEOPLE}),
    ],
)  # fmt: skip
def test_images_of_a_table_without_a_person(
    images: list[str], people: set[str], plant: Callable, read: Callable
) -> None:
    words = itertools.cycle(("anger", "happiness", "surprise"))
    lines = [
        "image,expression",
        *(f"{image},{word}" for image, word in zip(images, words, strict=False)),
    ]
    root = plant(*images, texts={"labels.csv": "\n".join(lines)})
    rows, report = read("folder", root)
    assert {row.subject for row in rows} == people
    assert report.people.unknown == 0
    rows, report = read("folder", root, naming="none")
    assert vars(report.people) == {"source": None, "unknown": len(images)}


def test_images_of_a_table_without_person_and_expression(plant: Callable, read: Callable) -> None:
    images = [f"{p}.{w}1.1.tiff" for p in ("KA", "KL") for w in ("AN", "HA", "SU")]
    rows, _ = read("folder", plant(*images, texts={"labels.csv": "\n".join(["image", *images])}))
    assert {(row.subject, row.expression) for row in rows} == {
        (person, word) for person in ("KA", "KL") for word in ("anger", "happiness", "surprise")
    }  # fmt: skip
