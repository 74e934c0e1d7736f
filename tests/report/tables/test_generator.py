"""What ``augment`` prints: nothing about a filter where there was none."""

from pathlib import Path

from faceprep.report.tables.generator import augment_tables, faces_table
from faceprep.stages.augment.result import AugmentResult

REJECTED = {"anger": {"judge": 3, "features": 1}, "fear": {"judge": 0, "features": 0}}


def cells(table: object) -> list[list[str]]:
    columns = table.columns  # type: ignore[attr-defined]
    return [[str(column.header), *map(str, column.cells)] for column in columns]


def test_without_a_filter_only_faces_are_counted() -> None:
    assert cells(faces_table({"fear": 4, "anger": 5}, {}, {})) == [
        ["expression", "anger", "fear"],
        ["faces", "5", "4"],
    ]


def test_a_filter_that_rejected_nothing_of_an_expression_says_so() -> None:
    assert cells(faces_table({"fear": 4, "anger": 5}, REJECTED, {"anger": 2})) == [
        ["expression", "anger", "fear"],
        ["faces", "5", "4"],
        ["wrong expression", "3", "0"],
        ["unlike real", "1", "0"],
        ["doubtful", "2", "0"],
    ]


def test_a_dry_run_says_how_many_faces_would_go() -> None:
    result = AugmentResult(Path("faces"), 8, 1, [0], "cpu", lacking=8, replaced=70)
    tables, data = augment_tables(result, dry_run=True)
    assert "70 existing faces" in cells(tables[0])[1]
    assert data["replaced"] == 70
