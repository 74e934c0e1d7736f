"""Numbers without an interval, in the files of ``classify``."""

import contextlib
import csv
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure
from PIL import Image

from faceprep.core.errors import FaceprepError
from faceprep.metrics.accuracy import Accuracy, Gain, Interval
from faceprep.report.accuracy.files import latex, write_csv
from faceprep.report.accuracy.plot import plot_accuracy
from faceprep.report.accuracy.table import _gains
from faceprep.stages.classify.runs import TableRow

UNKNOWN = Interval(1.0)


def result(accuracy: Interval) -> SimpleNamespace:
    """Two rows of the same accuracy; the second gains a share of errors without an interval."""
    found = Accuracy(accuracy, accuracy, Interval(math.nan), (accuracy.value,) * 3)
    gain = Gain(Interval(0.0125, 0.0, 0.05), UNKNOWN, UNKNOWN, 1.0, 1, 0)
    one, other = TableRow("flips", 0), TableRow("classic", 0)
    return SimpleNamespace(
        unknown_people=None,
        rows=[
            SimpleNamespace(row=one, accuracy=found, gain=None, against=None),
            SimpleNamespace(row=other, accuracy=found, gain=gain, against=one),
        ],
    )


def test_an_undefined_interval_is_empty_or_a_dash(tmp_path: Path) -> None:
    table = result(Interval(0.7))
    write_csv(tmp_path / "accuracy.csv", table)
    with (tmp_path / "accuracy.csv").open() as stream:
        row = list(csv.DictReader(stream))[1]
    reduction = [row[f"gain_error_reduction{end}"] for end in ("", "_low", "_high")]
    assert reduction == ["1", "", ""]
    assert "classic & 0 & 70.0 & -- & 70.0 & +1.2 & [+0.0, +5.0]" in latex(table)
    errors = next(column for column in _gains(table).columns if column.header == "errors")
    assert list(errors.cells) == ["100 %"]


@pytest.mark.parametrize("accuracy", [Interval(0.7), Interval(0.7, 0.7 + 2e-16, 0.7 - 2e-16)])
def test_a_bar_without_a_length_is_drawn(accuracy: Interval, tmp_path: Path) -> None:
    plot_accuracy(result(accuracy), tmp_path / "accuracy.png")
    with Image.open(tmp_path / "accuracy.png") as image:
        assert image.width > 600


def test_rows_without_synthetic_faces_are_at_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        SimpleNamespace(
            row=TableRow(arm, count),
            accuracy=Accuracy(Interval(0.7, 0.6, 0.8), UNKNOWN, UNKNOWN, (0.7,)),
        )
        for arm, count in (("flips", 0), ("flips", 3000), ("flips", 60000), ("classic", 0))
    ]
    drawn: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    with contextlib.suppress(FaceprepError):  # no file was written
        plot_accuracy(SimpleNamespace(unknown_people=None, rows=rows), tmp_path / "a.png")
    (axes,) = drawn[0].axes
    places = {bars.get_label(): list(bars[0].get_xdata()) for bars in axes.containers}
    assert places == {"flips": [0, 3000, 60000], "classic": [0]}
    assert list(axes.get_xticks()) == [0, 3000, 60000]
