"""Test layouts of CSV files, from files on disk to results."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from builders.openface_csv import (
    AU_COLUMNS,
    STILL_COLUMNS,
    VIDEO_COLUMNS,
    cells,
    csv_text,
    face_at,
    face_of,
    video_text,
    write,
)

from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.core.vocabulary import COLUMNS_R
from faceprep.faces.action_units import backend as backends
from faceprep.faces.action_units.openface.csv.backend import CsvBackend, CsvFaces

NONE = "OpenFace writes none for an image without a face"


@pytest.fixture
def csvs(tmp_path):
    folder = tmp_path / "csv"
    folder.mkdir()
    return folder


@pytest.fixture
def run(root, csvs, tmp_path):
    def go(faces, path=csvs, **aus):
        config = config_of(root, path, **aus)
        assert CsvBackend().available(config) is None
        return CsvBackend().run(faces, config, tmp_path)

    return go


def config_of(root, path, **aus):
    options = {"backend": "openface-csv", "openface_csv": path, **aus}
    return Config.model_validate(
        {"select": {"dataset": "folder", "root": root}, "aus": options, "device": "cpu"}
    )


def pictures(root, *paths):
    for path in paths:
        write(root / path, "")


def still(au=1.5, **others):
    return csv_text([cells(au, **others)])


def sequence(root, folder, count=6, pattern="{:03d}.jpeg", first=0):
    names = [f"{folder}/{pattern.format(k)}" for k in range(first, first + count)]
    pictures(root, *names)
    return names


def answers(results):
    """Return AU01 or the reason of each result."""
    return [r.reason or float(r.intensities[0]) for r in results]


def test_one_file_per_picture_in_a_tree_like_the_datasets(root, csvs, run):
    pictures(root, "happy/1.jpg", "happy/2.jpg", "sad/1.jpg", "sad/2.jpg")
    write(csvs / "happy/1.csv", still(1))
    write(csvs / "happy/2.csv", still(2))
    write(csvs / "sad/1.csv", still(3))
    names = ["sad/1.jpg", "happy/2.jpg", "happy/1.jpg", "sad/2.jpg"]
    expected = [3, 2, 1, f"no CSV for sad/2.jpg: {NONE}"]
    assert answers(run([face_of(name) for name in names])) == expected
    assert answers(run([face_of(name) for name in names], csvs.parent)) == expected


def test_one_file_per_picture_in_one_folder(root, csvs, run):
    pictures(root, "img/000001.jpg", "img/000002.jpg", "img/000003.jpg")
    write(csvs / "processed/000001.csv", still(1))
    write(csvs / "processed/000002.csv", still(2))
    write(csvs / "processed/000003_of_details.txt", "Input:/data/000003.jpg\n")
    faces = [face_of(f"img/00000{k}.jpg") for k in (2, 1, 3)]
    seen = "no CSV for img/000003.jpg, only 000003_of_details.txt: OpenFace saw no face in it"
    assert answers(run(faces)) == [2, 1, seen]


def test_a_flat_folder_of_names_that_several_pictures_have_is_refused(root, csvs, run):
    pictures(root, "happy/1.jpg", "sad/1.jpg")
    write(csvs / "1.csv", still(1))
    for name in ("happy/1.jpg", "sad/1.jpg"):
        (reason,) = answers(run([face_of(name)]))
        assert reason.startswith("1.csv fits 2 places: ")


def test_pictures_that_differ_by_their_ending_only_are_told_by_nobody(root, csvs, run):
    pictures(root, "a.jpg", "a.png")
    write(csvs / "a.csv", still(1))
    # FaceLandmarkImg wrote a.csv twice; the last image is unknown.
    assert answers(run([face_of("a.png")])) == ["a.csv fits 2 places: a, a"]


def test_our_own_names_of_crops(root, csvs, run):
    pictures(root, "a/b.jpg")
    face = face_of("a/b.jpg")
    write(csvs / "folder__a__b.csv", still(2))
    assert answers(run([face])) == [2]
    assert answers(run([face], input="crop")) == [2]
    (reason,) = answers(run([face_of("a/c.jpg")], input="crop"))
    assert reason == f"no CSV for images/00000/folder__a__c.png: {NONE}"


def test_crops_are_compared_in_the_crop(root, csvs, run):
    pictures(root, "a.jpg")
    face = face_of("a.jpg")
    face.align["matrix"] = [1, 0, -500, 0, 1, -500]  # the face of the photograph is at 600, 600
    write(csvs / "folder__a.csv", still(2))
    assert answers(run([face], input="crop")) == [2]
    assert "elsewhere" in answers(run([face]))[0]


def test_the_face_that_overlaps_ours(root, csvs, run):
    pictures(root, "group.jpg")
    rows = [cells(k, face_at(100 + 150 * k, 100), face=k) for k in range(3)]
    write(csvs / "group.csv", csv_text(rows))
    wanted = [face_of("group.jpg", face_at(100 + 150 * k + 8, 95)) for k in (2, 0, 1)]
    assert answers(run(wanted)) == [2, 0, 1]
    far = face_of("group.jpg", face_at(900, 900))
    assert answers(run([far])) == [
        "group.csv: OpenFace's 3 faces lie elsewhere in the picture than ours (overlap 0.00)"
    ]


def test_group_photographs_of_the_real_program(root, shared, tmp_path, run):
    folder = shared / "reference" / "openface_csv"
    for name in ("sample2", "sample6", "bald_guys"):
        pictures(root, f"{name}.jpg")
        table = pd.read_csv(folder / f"{name}.csv", skipinitialspace=True)
        faces = []
        for _, known in table.iterrows():
            points = [[known[f"x_{k}"], known[f"y_{k}"]] for k in range(68)]
            faces.append(face_of(f"{name}.jpg", np.array(points) + 1.5))
        results = run(faces, folder)
        assert [r.reason for r in results] == [None] * len(table)
        np.testing.assert_allclose(
            [r.intensities for r in results], table[list(COLUMNS_R)].to_numpy(float)
        )
    pictures(root, "dogs.jpg")
    (dogs,) = run([face_of("dogs.jpg")], folder)
    assert dogs.reason.startswith("no CSV for dogs.jpg, only dogs_of_details.txt")


@pytest.mark.parametrize(
    "name", ["P001/Anger.csv", "P001_Anger.csv", "VL/Strong/P001/Anger.csv", "x/P001-Anger.csv"]
)
def test_one_file_per_sequence(root, csvs, run, name):
    frames = sequence(root, "VL/Strong/P001/Anger")
    sequence(root, "VL/Strong/P002/Anger")
    write(csvs / name, video_text([0, 1, 2, 3, 4, 5]))
    person = {"subject": "P001", "sequence": "Anger"}
    faces = [face_of(frames[k], **person) for k in (5, 0, 3)]
    assert answers(run(faces)) == [5, 0, 3]
    other = face_of(frames[0].replace("P001", "P002"), subject="P002", sequence="Anger")
    (reason,) = answers(run([other]))
    assert reason == (
        "no CSV for VL/Strong/P002/Anger/000.jpeg, nor for its sequence VL/Strong/P002/Anger"
    )


def test_ck_plus_sequences_by_folder_or_by_person(root, csvs, run):
    pattern = "S005_001_{:08d}.png"
    frames = sequence(root, "cohn-kanade-images/S005/001", 6, pattern, first=1)
    write(csvs / "S005_001.csv", video_text([0, 1, 2, 3, 4, 5]))
    faces = [face_of(name, subject="S005", sequence="001") for name in frames]
    assert answers(run(faces)) == [0, 1, 2, 3, 4, 5]


def test_one_file_per_frame_of_a_sequence(root, csvs, run):
    frames = sequence(root, "P001/Anger")
    for k, name in enumerate(frames):
        write(csvs / name.replace(".jpeg", ".csv"), still(k / 2))
    faces = [face_of(name, subject="P001", sequence="Anger") for name in frames]
    assert answers(run(faces)) == [0, 0.5, 1, 1.5, 2, 2.5]


def test_counts_that_differ_are_refused_and_named(root, csvs, run):
    """Issue in GANimation's tracker: each row is one frame off without an error."""
    frames = sequence(root, "P001/Anger", 18)
    write(csvs / "P001/Anger.csv", video_text([k / 4 for k in range(17)]))
    faces = [face_of(frames[k], subject="P001", sequence="Anger") for k in (0, 16, 17)]
    expected = "Anger.csv has 17 rows but the sequence has 18 frames"
    assert answers(run(faces)) == [expected] * 3


def test_frames_whose_rows_were_taken_out_are_named(root, csvs, run):
    frames = sequence(root, "P001/Anger")
    rows = [cells(k, frame=k) for k in (1, 2, 5, 6)]
    write(csvs / "P001/Anger.csv", csv_text(rows, VIDEO_COLUMNS))
    faces = [face_of(frames[k], subject="P001", sequence="Anger") for k in (1, 2, 4)]
    assert answers(run(faces)) == [2, "Anger.csv has no row for 002.jpeg", 5]


def test_frames_without_the_face_fail_alone(root, csvs, run):
    frames = sequence(root, "P001/Anger")
    rows = [cells(k, frame=k, success=int(k != 3)) for k in range(1, 7)]
    write(csvs / "P001/Anger.csv", csv_text(rows, VIDEO_COLUMNS)[:-40])
    faces = [face_of(frames[k], subject="P001", sequence="Anger") for k in (1, 2, 5)]
    first, lost, cut = answers(run(faces))
    assert first == 2
    assert lost == "Anger.csv: success = 0: OpenFace had lost the face"
    assert cut.startswith("Anger.csv: line 7 is cut short")


def test_the_clip_in_which_the_face_leaves(root, csvs, shared, run):
    real = shared / "reference" / "openface_csv" / "face_noface.csv"
    frames = sequence(root, "S/clip", 169, "{:04d}.png", first=1)
    shutil.copy(real, csvs / "clip.csv")
    table = pd.read_csv(real, skipinitialspace=True)
    faces = []
    for name, (_, known) in zip(frames, table.iterrows(), strict=True):
        points = np.array([[known[f"x_{k}"], known[f"y_{k}"]] for k in range(68)], dtype=float)
        faces.append(face_of(name, points + 1, subject="S", sequence="clip"))
    results = run(faces)
    lost = [r.reason == "clip.csv: success = 0: OpenFace had lost the face" for r in results]
    assert lost == (table["success"] == 0).tolist()
    assert sum(lost) == 93
    for result, (_, known) in zip(results, table.iterrows(), strict=True):
        if result.reason is None:
            np.testing.assert_allclose(result.intensities, known[list(COLUMNS_R)].astype(float))


@pytest.mark.parametrize("column", ["image", "filename", "path", "Image"])
@pytest.mark.parametrize("prefix", ["", "/home/me/data/", "D:\\data\\"])
def test_one_table_of_all(root, csvs, run, column, prefix):
    pictures(root, "a/1.jpg", "a/2.jpg", "b/1.jpg")
    rows = [cells(k) | {column: prefix + name} for k, name in enumerate(["a/1.jpg", "b/1.jpg"])]
    path = write(csvs / "all.csv", csv_text(rows, (*STILL_COLUMNS, column)))
    faces = [face_of(name) for name in ("b/1.jpg", "a/1.jpg", "a/2.jpg")]
    expected = [1, 0, f"no row in all.csv for a/2.jpg: {NONE}"]
    assert answers(run(faces, path)) == expected
    assert answers(run(faces))[:2] == expected[:2]


def test_a_table_by_face_id_with_several_rows_a_face(root, csvs, run):
    pictures(root, "a/1.jpg")
    rows = [cells(k, face_at(100 + 200 * k, 100), face_id="folder/a/1") for k in (1, 0)]
    write(csvs / "all.csv", csv_text(rows, ("face_id", *STILL_COLUMNS)))
    assert answers(run([face_of("a/1.jpg")])) == [0]


def test_a_table_of_whole_sequences(root, csvs, run):
    rows = []
    for person, start in (("P001", 0), ("P002", 1)):
        frames = sequence(root, f"{person}/Anger")
        for k in range(6 - start):
            rows.append(cells(start + k / 2, frame=k + 1) | {"filename": f"{person}/Anger"})
    write(csvs / "all.csv", csv_text(rows, ("filename", *VIDEO_COLUMNS)))
    one = face_of("P001/Anger/003.jpeg", subject="P001", sequence="Anger")
    other = face_of(frames[3], subject="P002", sequence="Anger")
    found, refused = answers(run([one, other]))
    assert found == 1.5
    assert refused == ("all.csv (P002/Anger) has 5 rows but the sequence has 6 frames")


def test_open_faces_own_number_of_a_person_names_no_picture(root, csvs, run):
    """`face_id` 0 of a video does not name an image."""
    frames = sequence(root, "P001/Anger")
    write(csvs / "Anger.csv", video_text([0, 1, 2, 3, 4, 5]))
    assert answers(run([face_of(frames[2], subject="P001", sequence="Anger")])) == [2]


def test_files_without_what_is_needed_say_so(root, csvs, run):
    pictures(root, *(f"{k}.jpg" for k in range(6)))
    some = [name for name in STILL_COLUMNS if name != "AU28_c"]
    write(csvs / "0.csv", csv_text([cells()], some))
    write(csvs / "1.csv", csv_text([cells()], AU_COLUMNS))
    write(csvs / "2.csv", "")
    write(csvs / "3.csv", csv_text([]))
    write(csvs / "4.csv", csv_text([cells(), cells()], AU_COLUMNS))
    write(csvs / "5.csv", csv_text([cells(frame=k) for k in (1, 2)], VIDEO_COLUMNS))
    assert answers(run([face_of(f"{k}.jpg") for k in range(6)])) == [
        "0.csv: no column AU28_c",
        1.5,
        "2.csv is empty",
        "3.csv has no rows",
        "4.csv: 2 faces and no landmarks to tell which is ours (-2Dfp writes them)",
        "5.csv holds the frames of a sequence, not one picture",
    ]


def test_clipped_values_show(root, csvs, run):
    pictures(root, "a.jpg")
    write(csvs / "a.csv", still(AU01_r="-0.20"))
    (result,) = run([face_of("a.jpg")])
    assert (result.variant, result.intensities[0], result.confidence) == ("clipped", 0, 0.98)


def test_landmarks_for_others(root, csvs):
    pictures(root, "a.jpg", "b.jpg", "c.jpg")
    write(csvs / "a.csv", still(3, points=face_at(104, 100), AU01_r="?"))
    write(csvs / "b.csv", csv_text([cells()], AU_COLUMNS))
    found = CsvFaces(csvs, root).find(face_of("a.jpg"))
    np.testing.assert_array_equal(found.landmarks68, face_at(104, 100))
    assert found.landmarks_fault is None  # although the AUs are invalid
    without = CsvFaces(csvs, root).find(face_of("b.jpg"))
    assert without.landmarks68 is None
    assert without.landmarks_fault.startswith("b.csv: no landmarks")
    absent = CsvFaces(csvs, root).find(face_of("c.jpg"))
    assert (absent.landmarks68, absent.landmarks_fault) == (None, f"no CSV for c.jpg: {NONE}")


def test_what_is_missing_is_said_before_the_run(root, csvs, tmp_path):
    available = CsvBackend().available
    assert "aus.openface_csv is not set" in available(config_of(root, None))
    assert f"there is no {tmp_path / 'x'}" in available(config_of(root, tmp_path / "x"))
    assert "no CSV file below" in available(config_of(root, csvs))
    with pytest.raises(MissingToolError, match="openface-csv cannot run"):
        backends.choose(config_of(root, None))


def test_it_is_never_taken_unasked(root, csvs):
    write(csvs / "a.csv", still())
    config = config_of(root, csvs, backend="auto")
    assert CsvBackend().available(config) is None
    assert backends.choose(config).backend.name != "openface-csv"


def test_the_fingerprint_follows_the_files(root, tmp_path):
    def fingerprint(name, change=lambda folder: None):
        folder = tmp_path / name
        write(folder / "x/a.csv", still())
        os.utime(folder / "x/a.csv", (1e9, 1e9))
        change(folder)
        return CsvBackend().fingerprint(config_of(root, folder))

    same = fingerprint("one")
    assert fingerprint("two") == same
    assert same["input"] == "source"
    touched = fingerprint("three", lambda folder: os.utime(folder / "x/a.csv", (2e9, 2e9)))
    renamed = fingerprint("four", lambda folder: (folder / "x").rename(folder / "y"))
    grown = fingerprint("five", lambda folder: write(folder / "b.csv", still()))
    assert len({str(found) for found in (same, touched, renamed, grown)}) == 4


def test_a_large_folder_is_listed_once_and_read_not_at_all(root, csvs, run):
    for k in range(3000):
        (csvs / f"{k:06d}.csv").touch()
    pictures(root, "img/000007.jpg", "img/000008.jpg")
    write(csvs / "000007.csv", still(2))
    faces = [face_of("img/000007.jpg"), face_of("img/000008.jpg")]
    assert answers(run(faces)) == [2, "000008.csv is empty"]
    shutil.rmtree(csvs)
    csvs.mkdir()
    write(csvs / "000008.csv", still(3))
    assert answers(run(faces[1:])) == [3]  # found at the listed path


@pytest.mark.parametrize("name", ["faces.csv", "photos/happiness.csv"])
def test_numbered_rows_of_stills_are_no_faceless_images(root, csvs, run, name):
    """FeatureExtraction -fdir numbers the images of a folder, in an order that is not recorded."""
    write(csvs / name, video_text([1, 2, 3]))
    write(csvs / "other.csv", video_text([4, 5]))
    for found in run([face_of(f"photos/{stem}.jpg") for stem in "abc"]):
        assert "numbered rows without names (FeatureExtraction -fdir)" in found.reason
        assert "FaceLandmarkImg -fdir writes a CSV for each, or add a column image" in found.reason
        assert "without a face" not in found.reason


def test_a_still_without_its_own_file_has_no_face_beside_files_of_stills(root, csvs, run):
    write(csvs / "clip.csv", video_text([1, 2, 3]))
    write(csvs / "a.csv", csv_text([cells()]))
    (found,) = run([face_of("photos/b.jpg")])
    assert NONE in found.reason
