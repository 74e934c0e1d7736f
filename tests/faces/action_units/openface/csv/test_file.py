import contextlib

import numpy as np
import pandas as pd
import pytest
from builders.openface_csv import (
    AU_COLUMNS,
    LANDMARK_COLUMNS,
    STILL_COLUMNS,
    VIDEO_COLUMNS,
    cells,
    csv_text,
    face_at,
    write,
)
from hypothesis import given
from hypothesis import strategies as st

from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R
from faceprep.faces.action_units.openface.csv.file import CsvError, CsvFile

OTHERS = tuple(f"eye_lmk_x_{k}" for k in range(300))


@pytest.fixture
def read(tmp_path):
    def go(text):
        path = tmp_path / "some.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return CsvFile(path)

    return go


def one(file):
    (row,) = file.rows()
    return row


@pytest.mark.parametrize(
    ("name", "rows", "columns", "good"),
    [
        ("sample2.csv", 3, 711, 3),
        ("sample6.csv", 12, 711, 12),
        ("bald_guys.csv", 24, 507, 24),
        ("image_sequence.csv", 30, 714, 30),
        ("face_noface.csv", 169, 714, 76),
    ],
)
def test_real_files_hold_what_pandas_reads(shared, name, rows, columns, good):
    path = shared / "reference" / "openface_csv" / name
    file = CsvFile(path)
    assert (len(file), len(file.columns), file.ends_whole) == (rows, columns, True)
    assert file.is_sequence == (columns == 714)
    table = pd.read_csv(path, skipinitialspace=True)
    found = file.rows()
    assert sum(row.fault is None for row in found) == good
    for row, (_, known) in zip(found, table.iterrows(), strict=True):
        if row.fault is not None:
            assert known["success"] == 0
            assert row.fault.startswith("success = 0")
            assert row.landmarks68 is None
            continue
        assert not row.clipped
        np.testing.assert_allclose(row.intensities, known[list(COLUMNS_R)].astype(float))
        np.testing.assert_array_equal(row.presences, known[list(COLUMNS_C)].astype(float) == 1)
        np.testing.assert_allclose(row.landmarks68[:, 0], [known[f"x_{k}"] for k in range(68)])
        np.testing.assert_allclose(row.landmarks68[:, 1], [known[f"y_{k}"] for k in range(68)])
        assert row.confidence == known["confidence"]
        assert row.frame == known.get("frame")


VARIANTS = {
    "2.0: blanks in the header": csv_text([cells()], VIDEO_COLUMNS),
    "2.2: none": csv_text([cells()], VIDEO_COLUMNS, ","),
    "CRLF": csv_text([cells()], end="\r\n"),
    "byte order mark": "\ufeff" + csv_text([cells()]),
    "semicolons": csv_text([cells()], separator=";"),
    "semicolons, decimal commas": csv_text([cells()], separator=";").replace(".", ","),
    "tabs": csv_text([cells()], separator="\t"),
    "quotes": '"' + csv_text([cells()], separator='","').replace("\n", '"\n"').rstrip('"'),
    "a separator at each line's end": csv_text([cells()]).replace("\n", ", \n"),
    "no newline at the end": csv_text([cells()]).rstrip("\n"),
    "blank lines": csv_text([cells()]).replace("\n", "\n\n"),
    "another order": csv_text([cells()], sorted(STILL_COLUMNS, reverse=True)),
    "more columns": csv_text([cells() | dict.fromkeys(OTHERS, 1)], (*OTHERS, *VIDEO_COLUMNS)),
    "no face_id": csv_text([cells()], [name for name in VIDEO_COLUMNS if name != "face_id"]),
    "the AUs alone": csv_text([cells()], AU_COLUMNS),
    "with an index": csv_text([cells() | {"": 0}], ("", *STILL_COLUMNS), ","),
}


@pytest.mark.parametrize("text", VARIANTS.values(), ids=VARIANTS)
def test_every_variant_says_the_same(read, text):
    row = one(read(text))
    assert row.fault is None
    assert row.intensities.tolist() == [1.5] * 17
    assert row.presences.tolist() == [False, True] * 9
    assert not row.clipped
    if "x_0" in text:
        np.testing.assert_array_equal(row.landmarks68, face_at(100, 100))
    else:
        assert row.landmarks68 is None
    assert row.confidence == (0.98 if "confidence" in text else None)


def test_still_and_sequence_differ_by_the_first_column(read):
    assert not read(csv_text([cells()])).is_sequence
    file = read(csv_text([cells(frame=7, timestamp="0.200")], VIDEO_COLUMNS))
    assert file.is_sequence
    assert (one(file).frame, one(file).timestamp) == (7, 0.2)


def test_values_off_the_scale_are_clipped_and_say_so(read):
    row = one(read(csv_text([cells(AU01_r="-0.31", AU02_r="5.74")])))
    assert row.intensities[:3].tolist() == [0, 5, 1.5]
    assert row.clipped
    assert row.result().variant == "clipped"
    assert row.result("dynamic").variant == "dynamic, clipped"
    assert row.result().reason is None
    plain = one(read(csv_text([cells()])))
    assert plain.result("static").variant == "static"
    assert plain.result().confidence == 0.98


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"AU12_r": "abc"}, "AU12_r is 'abc', no number"),
        ({"AU12_r": ""}, "AU12_r is '', no number"),
        ({"AU12_r": "nan"}, "AU12_r is 'nan', no number"),
        ({"AU12_r": "1_0"}, "AU12_r is '1_0', no number"),
        ({"AU12_r": "250"}, "AU12_r is 250, no intensity"),
        ({"AU28_c": "0.5"}, "AU28_c is 0.5, neither 0 nor 1"),
        ({"AU28_c": "-nan(ind)"}, "AU28_c is '-nan(ind)', no number"),
        ({"success": 0}, "success = 0: OpenFace had lost the face"),
        ({"success": "0.00"}, "success = 0: OpenFace had lost the face"),
    ],
)
def test_cells_that_hold_no_estimate_are_named(read, change, fault):
    row = one(read(csv_text([cells(**change)], VIDEO_COLUMNS)))
    assert row.fault == fault
    assert row.intensities is None
    assert row.result().reason == fault


@pytest.mark.parametrize(
    ("gone", "fault"),
    [
        (["AU28_c"], "no column AU28_c"),
        (["AU01_r", "AU28_c"], "no columns AU01_r, AU28_c"),
        (list(COLUMNS_C), "no columns AU01_c, AU02_c, AU04_c and 15 more"),
        (list(AU_COLUMNS), "no AU columns (AU01_r …): OpenFace writes them with -aus"),
    ],
)
def test_missing_au_columns_are_named(read, gone, fault):
    row = one(read(csv_text([cells()], [name for name in STILL_COLUMNS if name not in gone])))
    assert row.fault == fault
    assert row.landmarks68 is not None


def test_landmarks_are_whole_or_none(read):
    some = [name for name in STILL_COLUMNS if name != "y_67"]
    assert one(read(csv_text([cells()], some))).landmarks68 is None
    assert one(read(csv_text([cells(x_3="?")]))).landmarks68 is None
    nowhere = dict.fromkeys(LANDMARK_COLUMNS, "0.0")
    assert one(read(csv_text([cells(**nowhere)]))).landmarks68 is None


def test_confidence_off_its_scale_is_none(read):
    assert one(read(csv_text([cells(confidence=-0.9)]))).confidence is None
    assert one(read(csv_text([cells(confidence="?")]))).confidence is None


def test_a_line_cut_short_costs_that_line_alone(read):
    whole = csv_text([cells(), cells(2.5)], VIDEO_COLUMNS)
    file = read(whole[:-150])
    first, last = file.rows()
    assert first.fault is None
    assert last.fault.startswith("line 3 is cut short: ")
    assert last.fault.endswith("cells under 176 columns")
    assert not file.ends_whole
    assert read(whole).ends_whole
    long = one(read(csv_text([cells()]).rstrip("\n") + ", 7\n"))
    assert long.fault.startswith("line 2 is too long")


@given(cut=st.integers(1, 400))
def test_a_cut_never_invents_an_estimate(cut, tmp_path_factory):
    """A truncated last line is complete, has a fault, or has all its digits."""
    folder = tmp_path_factory.mktemp("cut")
    text = csv_text([cells(), cells(2.5)], VIDEO_COLUMNS)
    file = CsvFile(write(folder / "cut.csv", text[:-cut]))
    for row in file.rows():
        if row.fault is None:
            assert set(row.intensities) <= {1.5, 2.5}
            assert row.presences.tolist() == [False, True] * 9


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\n1,2\n", "has an empty first line"),
        (b"1, 2, 3\n4, 5, 6\n", "has no header"),
        (b"AU01_r,AU01_r\n1,2\n", "has two columns AU01_r"),
        (csv_text([cells()]).encode("utf-16"), "is no text in UTF-8"),
    ],
)
def test_what_is_no_such_file_is_refused(read, data, message):
    with pytest.raises(CsvError, match=message):
        read(data)


def test_any_bytes_are_rows_with_faults_or_an_error(read):
    rng = np.random.default_rng(3)
    header = ", ".join(VIDEO_COLUMNS).encode() + b"\n"
    for _ in range(30):
        noise = rng.integers(0, 256, 4000, np.uint8).tobytes()
        assert all(row.fault for row in read(header + noise).rows())
        with contextlib.suppress(CsvError):
            assert all(row.fault for row in read(noise).rows())


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(CsvError, match="cannot be read: No such file"):
        CsvFile(tmp_path / "gone.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(CsvError, match="cannot be read: Is a directory"):
        CsvFile(tmp_path / "folder.csv")
    path = write(tmp_path / "a.csv", csv_text([cells()]))
    file = CsvFile(path)
    path.unlink()
    with pytest.raises(CsvError, match="cannot be read"):
        file.rows()


def test_columns_and_single_rows_are_read_alone(read):
    file = read(csv_text([cells(frame=k) for k in range(1, 6)], VIDEO_COLUMNS))
    assert file.column("frame") == ["1", "2", "3", "4", "5"]
    assert [row.frame for row in file.rows([4, 0])] == [5, 1]
    assert [row.line for row in file.rows()] == [2, 3, 4, 5, 6]
