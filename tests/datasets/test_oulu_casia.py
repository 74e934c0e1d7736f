from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.registry import open_dataset
from faceprep.datasets.report import Report

EXPRESSIONS = ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")


def sequence(folder: str, numbers=range(9), ending=".jpeg") -> list[str]:
    return [f"{folder}/{number:03d}{ending}" for number in numbers]


@pytest.mark.parametrize(
    "place",
    [
        "OriginalImg/VL/Strong",
        "B_OriginalImg/OriginalImg/VL/Strong",
        "PreProcess_Img/VL_Acropped/VL_Acropped/Strong",
        "Oulu_CASIA_NIR_VIS/VL/Strong",
        "oulu/originalimg/vl/strong",
        "Oulu_CASIA_NIR_VIS/VL/Strong/Strong",
        "VL/Strong",
    ],
)
def test_every_place_where_the_images_may_lie(plant, read, place):
    root = plant(*sequence(f"{place}/P001/Anger"))
    rows, _ = read("oulu-casia", root)
    assert [row.face_id for row in rows] == [
        f"oulu-casia/P001/Anger/{number}" for number in ("000", "006", "007", "008")
    ]
    assert rows[0].path == f"{place}/P001/Anger/000.jpeg"
    assert {row.sequence for row in rows} == {"Anger"}


def test_the_first_frame_is_neutral_and_the_last_three_are_the_peak(plant, read):
    root = plant(*sequence("VL/Strong/P001/Surprise"))
    rows, _ = read("oulu-casia", root)
    assert [(row.frame, row.role, row.expression) for row in rows] == [
        (0, "neutral", "neutral"),
        (6, "peak", "surprise"),
        (7, "peak", "surprise"),
        (8, "peak", "surprise"),
    ]


def test_gaps_in_the_numbering_and_more_than_999_frames(plant, read):
    root = plant(*sequence("VL/Strong/P001/Fear", (3, 4, 9, 28, 1002)))
    rows, _ = read("oulu-casia", root)
    assert [row.frame for row in rows] == [3, 9, 28, 1002]


@pytest.mark.parametrize("level", ["", "OriginalImg", "OriginalImg/VL", "OriginalImg/VL/Strong"])
def test_the_root_may_be_any_folder_on_the_way(plant, read, level):
    root = plant(*sequence("OriginalImg/VL/Strong/P007/Happiness")) / level
    rows, _ = read("oulu-casia", root)
    assert len(rows) == 4
    assert all((root / row.path).is_file() for row in rows)


def test_other_lights_are_left_out_and_counted(plant, read):
    root = plant(
        *sequence("VL/Strong/P001/Anger"),
        *sequence("VL/Weak/P001/Anger"),
        *sequence("VL/Dark/P001/Anger"),
        *sequence("VL/Dark/P002/Anger"),
        *sequence("NI/Strong/P001/Anger"),
    )
    rows, report = read("oulu-casia", root)
    assert {row.path.split("/P")[0] for row in rows} == {"VL/Strong"}
    counts = {reason: tally.count for reason, tally in report.left_out.items()}
    assert counts == {
        "subject's folder, not in visible strong light (VL/Weak)": 1,
        "subject's folder, not in visible strong light (VL/Dark)": 2,
        "subject's folder, not in visible strong light (NI/Strong)": 1,
    }


def test_original_images_come_before_cropped_ones(plant, read):
    root = plant(
        *sequence("A_PreProcess_Img/VL_Acropped/Strong/P001/Anger"),
        *sequence("B_OriginalImg/VL/Strong/P001/Anger"),
    )
    rows, report = read("oulu-casia", root)
    assert all(row.path.startswith("B_OriginalImg/") for row in rows)
    assert any("second copy" in reason for reason in report.left_out)


def test_official_split_and_folds(plant, read):
    subjects = [1, 10, 11, 72, 73, 80]
    root = plant(*(p for n in subjects for p in sequence(f"VL/Strong/P{n:03d}/Anger", range(4))))
    rows, _ = read("oulu-casia", root)
    parts = {row.subject: (row.split, row.fold) for row in rows}
    assert parts == {
        "P001": ("train", 0),
        "P010": ("train", 9),
        "P011": ("train", 0),
        "P072": ("train", 1),
        "P073": ("test", 2),
        "P080": ("test", 9),
    }


def test_without_the_official_test_subjects_they_are_drawn_and_that_is_said(plant, read):
    root = plant(
        *(p for n in range(1, 41) for p in sequence(f"VL/Strong/P{n:03d}/Anger", range(4)))
    )
    rows, report = read("oulu-casia", root)
    tested = {row.subject for row in rows if row.split == "test"}
    assert 0 < len(tested) < 40
    assert any("P073" in note and "random" in note for note in report.notes)
    random_rows, _ = read("oulu-casia", root, split="random")
    assert random_rows == rows


def test_short_sequences_give_no_frame_two_roles(plant, read):
    root = plant(*sequence("VL/Strong/P001/Anger", range(3)), *sequence("VL/Strong/P001/Fear", [0]))
    rows, report = read("oulu-casia", root)
    assert [(row.sequence, row.role) for row in rows] == [
        ("Anger", "neutral"),
        ("Anger", "peak"),
        ("Anger", "peak"),
        ("Fear", "peak"),
    ]
    (tally,) = (tally for note, tally in report.notes.items() if "shorter" in note)
    assert tally.count == 2


def test_dirt_is_left_out_and_reported(plant, read):
    root = plant(
        *sequence("VL/Strong/P001/Anger"),
        "VL/Strong/P001/Anger/.DS_Store",
        "VL/Strong/P001/Anger/._000.jpeg",
        "VL/Strong/P001/Anger/readme.txt",
        "VL/Strong/P001/Anger/thumb.jpeg",
        "VL/Strong/P001/Anger/008.JPG",
        "VL/Strong/P001/notes.txt",
        "VL/Strong/P001/Laughing/000.jpeg",
        "VL/Strong/Thumbs.db",
        "VL/Strong/P2/anger/000.JPEG",
    )
    (root / "VL/Strong/P001/Sadness").mkdir()
    (root / "VL/Strong/P001/ANGER").mkdir()
    rows, report = read("oulu-casia", root)
    assert [row.face_id for row in rows] == [
        "oulu-casia/P001/Anger/000",
        "oulu-casia/P001/Anger/006",
        "oulu-casia/P001/Anger/007",
        "oulu-casia/P001/Anger/008",
        "oulu-casia/P002/Anger/000",
    ]
    counts = {reason: tally.count for reason, tally in report.left_out.items()}
    assert counts["file that is not a numbered frame"] == 2
    assert counts["frame, second of its number"] == 1
    assert counts["system or hidden file"] == 2
    assert counts["folder that names none of the expressions"] == 1
    assert counts["sequence without frames"] == 2


def test_a_subject_twice_counts_once(plant, read):
    root = plant(
        *sequence("VL/Strong/part1/P001/Anger"),
        *sequence("VL/Strong/part2/p1/Anger"),
        *sequence("VL/Strong/part2/P002/Anger"),
    )
    rows, report = read("oulu-casia", root)
    assert {row.subject for row in rows} == {"P001", "P002"}
    assert report.left_out["subject's folder, second of its number"].count == 1


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("VL/Weak/P001/Anger", "VL/Weak, but no VL/Strong"),
        ("NI/Strong/P001/Anger", "NI/Strong, but no VL/Strong"),
        ("images/P001/Anger", "which light"),
    ],
)
def test_the_nearest_thing_is_named(plant, place, found):
    root = plant(*sequence(place))
    with pytest.raises(UsageError, match=found):
        open_dataset("oulu-casia", root, SelectConfig(), Report())


def test_a_root_inside_one_subject_is_told_where_the_dataset_begins(plant):
    root = plant(*sequence("VL/Strong/P001/Anger"))
    with pytest.raises(UsageError, match=r"may begin at .*Strong"):
        open_dataset("oulu-casia", root / "VL/Strong/P001", SelectConfig(), Report())


def test_frames_wanted_may_be_changed(plant, read):
    root = plant(*sequence("VL/Strong/P001/Anger"))
    rows, _ = read("oulu-casia", root, neutral_frames=0, peak_frames=1)
    assert [row.frame for row in rows] == [8]
    rows, _ = read("oulu-casia", root, neutral_frames=2, peak_frames=2)
    assert [row.role for row in rows] == ["neutral"] * 2 + ["peak"] * 2


@given(numbers=st.sets(st.integers(0, 200), min_size=4, max_size=30))
def test_the_peak_is_always_the_three_highest_numbers(numbers, tmp_path_factory):
    root: Path = tmp_path_factory.mktemp("oulu")
    for path in sequence("VL/Strong/P001/Anger", numbers):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    reader, found = open_dataset("oulu-casia", root, SelectConfig(), Report())
    rows = list(reader.frames(found, SelectConfig(), Report()))
    assert [row.frame for row in rows] == [min(numbers), *sorted(numbers)[-3:]]
