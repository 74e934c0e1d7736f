"""Files have the formats of the real datasets; they are parsed here independently."""

import re
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from faceprep.demo import DemoSettings, render_demo
from faceprep.demo.layouts import ck_plus, oulu_casia


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render all three layouts with one to three people."""
    folder = tmp_path_factory.mktemp("demo")
    render_demo(folder / "oulu", DemoSettings("oulu-casia", subjects=1, frames=2, size=160))
    render_demo(folder / "ck", DemoSettings("ck-plus", subjects=2, frames=2, size=160))
    render_demo(folder / "celeba", DemoSettings("celeba", subjects=3, frames=4, size=160))
    return folder


def truth(root: Path) -> list[dict]:
    return pq.read_table(root / "faceprep_demo" / "truth.parquet").to_pylist()


def test_oulu_casia_has_six_expressions_of_numbered_jpeg_files(root: Path) -> None:
    files = sorted(p.relative_to(root / "oulu").as_posix() for p in root.glob("oulu/Orig*/**/*.*"))
    assert len(files) == 12
    form = (
        r"OriginalImg/VL/Strong/P001/(Anger|Disgust|Fear|Happiness|Sadness|Surprise)/00[01]\.jpeg"
    )
    assert all(re.fullmatch(form, file) for file in files)


def test_the_truth_covers_every_image_and_its_landmarks_lie_inside(root: Path) -> None:
    for layout, suffix in (("oulu", "jpeg"), ("ck", "png"), ("celeba", "jpg")):
        folder = root / layout
        rows = truth(folder)
        there = {p.relative_to(folder).as_posix() for p in folder.rglob(f"*.{suffix}")}
        assert {row["path"] for row in rows} == there
        points = np.array([row["landmarks68"] for row in rows])
        assert points.shape == (len(rows), 136)
        assert points.min() >= 0
        assert points.max() < 160
        for row in rows:
            assert cv2.imread(str(folder / row["path"])).shape == (160, 160, 3)
            assert all(0 <= row[key] <= 5 for key in row if key.startswith("AU"))


def test_oulu_subject_numbers_are_those_of_the_paper_split() -> None:
    numbers = [oulu_casia.subject_number(index) for index in range(80)]
    assert sorted(numbers) == list(range(1, 81))
    tested = [index for index, number in enumerate(numbers) if 73 <= number <= 80]
    assert tested == [2, 7, 12, 17, 22, 27, 32, 37]


def test_ck_plus_subject_numbers_are_unique() -> None:
    numbers = [ck_plus.subject_number(index) for index in range(500)]
    assert len(set(numbers)) == 500
    assert max(numbers) < 1000


def test_ck_plus_labels_the_last_frame_of_most_sequences(root: Path) -> None:
    folder = root / "ck"
    sequences = {p.parent.relative_to(folder / "cohn-kanade-images") for p in folder.rglob("*.png")}
    labels = {p.parent.relative_to(folder / "Emotion"): p for p in folder.rglob("*_emotion.txt")}
    assert 0 < len(labels) < len(sequences)
    expressions = {row["path"]: row["expression"] for row in truth(folder)}
    for sequence, label in labels.items():
        assert label.read_text() == f"   {float(label.read_text()):.7e}\n"
        stem = label.name.removesuffix("_emotion.txt")
        image = f"cohn-kanade-images/{sequence.as_posix()}/{stem}.png"
        assert ck_plus.CODES[expressions[image]] == float(label.read_text())
        assert stem.endswith("_00000002")


def test_ck_plus_action_units_and_landmarks_agree_with_the_truth(root: Path) -> None:
    folder = root / "ck"
    for row in truth(folder):
        below = Path(row["path"]).relative_to("cohn-kanade-images").with_suffix("")
        points = np.loadtxt(folder / "Landmarks" / f"{below}_landmarks.txt")
        np.testing.assert_allclose(points.ravel(), row["landmarks68"], rtol=1e-5)
        facs = folder / "FACS" / f"{below}_facs.txt"
        assert facs.exists() == (row["frame"] == 2)
        for au, grade in np.loadtxt(facs, ndmin=2).reshape(-1, 2) if facs.exists() else ():
            assert grade == 0 or abs(row[f"AU{int(au):02d}_r"] - grade) <= 0.5


def test_celeba_lists_every_image_in_every_file(root: Path) -> None:
    folder = root / "celeba"
    names = [f"{k:06d}.jpg" for k in range(1, 13)]
    headers = {"list_attr_celeba": 40, "list_landmarks_celeba": 10, "list_bbox_celeba": 5}
    for name, columns in headers.items():
        count, header, *lines = (folder / f"{name}.txt").read_text().splitlines()
        assert int(count) == 12
        assert len(header.split()) == columns
        assert [line.split()[0] for line in lines] == names
    for name in ("identity_CelebA", "list_eval_partition"):
        rows = [line.split() for line in (folder / f"{name}.txt").read_text().splitlines()]
        assert [row[0] for row in rows] == names
        assert all(row[1].isdigit() for row in rows)
    attributes = (folder / "list_attr_celeba.txt").read_text().splitlines()
    smiling = attributes[1].split().index("Smiling") + 1
    for row, line in zip(truth(folder), attributes[2:], strict=True):
        assert set(line.split()[1:]) <= {"1", "-1"}
        assert (line.split()[smiling] == "1") == (row["AU12_r"] > 1.5)


def test_celeba_keeps_people_on_one_side_of_the_partition(root: Path) -> None:
    folder = root / "celeba"
    parts = dict(line.split() for line in (folder / "list_eval_partition.txt").open())
    people = dict(line.split() for line in (folder / "identity_CelebA.txt").open())
    sides = {(people[name], part) for name, part in parts.items()}
    assert len(sides) == len(set(people.values())) == 3
    assert {part for _, part in sides} == {"0", "2"}
