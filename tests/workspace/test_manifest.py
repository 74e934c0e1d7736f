"""Manifests read back as written, and rows that break the rules are refused."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprep.core import vocabulary
from faceprep.core.errors import ManifestError
from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R
from faceprep.workspace import manifest, schemas

NAMES = st.text(min_size=1, max_size=20).filter(lambda text: "\x00" not in text)
FLOATS = st.floats(width=32, allow_nan=False)


def select_row(face_id: str = "folder/a", **values: object) -> dict[str, object]:
    row = {
        "face_id": face_id,
        "dataset": "folder",
        "subject": "a",
        "path": "a.jpg",
        "role": "still",
        "split": "train",
        "fold": -1,
    }
    return row | values


def aus_row(**values: object) -> dict[str, object]:
    row: dict[str, object] = {"face_id": "a", "status": "ok", "backend": "landmarks"}
    row |= dict.fromkeys(COLUMNS_R, 1.0) | dict.fromkeys(COLUMNS_C, True)
    return row | values


SELECT_ROWS = st.lists(
    st.builds(
        select_row,
        NAMES,
        subject=NAMES,
        sequence=st.none() | NAMES,
        frame=st.none() | st.integers(-(2**31), 2**31 - 1),
        expression=st.none() | st.sampled_from(vocabulary.EXPRESSIONS),
        role=st.sampled_from(vocabulary.ROLES),
        split=st.sampled_from(vocabulary.SPLITS),
        fold=st.integers(-1, 9),
        attributes=st.none()
        | st.dictionaries(NAMES, FLOATS, max_size=3).map(lambda d: [*d.items()]),
        landmarks5=st.none() | st.lists(FLOATS, min_size=10, max_size=10),
    ),
    max_size=5,
    unique_by=lambda row: row["face_id"],
)


@given(rows=SELECT_ROWS)
def test_a_written_manifest_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    path = tmp_path_factory.mktemp("manifest") / "part.parquet"
    table = manifest.table_from_rows("select", rows)
    manifest.write_part(path, table, "select", {"settings": {"é": 1}})
    assert manifest.read_part(path, "select").equals(table)
    assert manifest.read_provenance(path)["settings"] == {"é": 1}
    assert manifest.read_provenance(path)["schema_version"] == schemas.SCHEMA_VERSION


def test_equal_tables_are_equal_bytes(tmp_path) -> None:
    table = manifest.table_from_rows("select", [select_row()])
    hashes = {manifest.write_part(tmp_path / n, table, "select", {"x": 1}) for n in ("a", "b")}
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("stage", "rows", "complaint"),
    [
        ("select", [select_row(), select_row()], "not unique"),
        ("select", [select_row(expression="joy")], "'joy'"),
        ("select", [select_row(role="apex")], "'apex'"),
        ("select", [select_row(split="dev")], "'dev'"),
        ("select", [select_row(path="/etc/passwd")], "leaves its root"),
        ("select", [select_row(path="a/../../b.jpg")], "leaves its root"),
        ("select", [select_row(path="C:\\a.jpg")], "leaves its root"),
        ("select", [select_row(path="")], "leaves its root"),
        ("select", [select_row(subject=None)], "subject is null"),
        ("aus", [aus_row(AU12_r=5.5)], "AU12_r lies outside"),
        ("aus", [aus_row(AU45_r=-0.1)], "AU45_r lies outside"),
        ("aus", [aus_row(status="failed", reason="x")], "'failed'"),
        ("aus", [aus_row(status="au_failed")], "no reason"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused(tmp_path, stage, rows, complaint) -> None:
    table = manifest.table_from_rows(stage, rows)
    with pytest.raises(ManifestError, match=complaint):
        manifest.write_part(tmp_path / "part.parquet", table, stage, {})
    assert not (tmp_path / "part.parquet").exists()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [({"colour": "red"}, "no such column: colour"), ({"fold": 1000}, "fit"), ({"box": [1]}, "fit")],
)
def test_a_value_that_fits_no_column_is_refused(values, complaint) -> None:
    with pytest.raises(ManifestError, match=complaint):
        manifest.table_from_rows("select", [select_row(**values)])


def test_reading_validates_files_of_other_programs(tmp_path) -> None:
    path = tmp_path / "part.parquet"
    with pytest.raises(ManifestError, match="no manifest"):
        manifest.read_part(path, "select")
    path.write_bytes(b"PAR1 this is not Parquet PAR1")
    with pytest.raises(ManifestError, match="not readable Parquet"):
        manifest.read_part(path, "select")
    pq.write_table(pa.table({"face_id": ["a"]}), path)
    with pytest.raises(ManifestError, match="missing"):
        manifest.read_part(path, "select")
    evil = manifest.table_from_rows("select", [select_row(path="../../etc/passwd")])
    pq.write_table(evil, path)
    with pytest.raises(ManifestError, match="leaves its root"):
        manifest.read_part(path, "select")


def test_a_path_outside_the_root_is_refused(tmp_path) -> None:
    assert manifest.inside(tmp_path, "a/b.jpg") == tmp_path / "a" / "b.jpg"
    with pytest.raises(ManifestError, match="leaves its root"):
        manifest.inside(tmp_path, "../b.jpg")
