"""The plot of the losses of a training."""

from pathlib import Path

import matplotlib.figure
import pandas as pd
import pytest

from faceprep.report.training import plot_losses


def test_every_column_is_drawn_in_its_panel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.DataFrame(
        {
            "step": [1, 2, 3],
            "seconds": [0.1, 0.1, 0.1],
            "pixel": [0.5, 0.4, 0.3],
            "cycle": [0.9, 0.8, 0.7],
            "val_pixel": [None, None, 0.6],
        }
    )
    table.to_parquet(tmp_path / "history.parquet")
    drawn: dict[str, dict[str, list[float]]] = {}
    save = matplotlib.figure.Figure.savefig

    def record(figure: matplotlib.figure.Figure, *arguments: object, **named: object) -> None:
        for axes in figure.axes:
            title = axes.get_title(loc="left")
            drawn[title] = {str(line.get_label()): list(line.get_xdata()) for line in axes.lines}
        save(figure, *arguments, **named)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", record)
    panels = {"faces": ("pixel", "unknown"), "unseen": ("val_pixel",)}
    out = plot_losses(tmp_path / "history.parquet", tmp_path / "losses.png", panels)
    assert out.is_file()
    steps = [1, 2, 3]
    # `cycle` is in no panel of the kind, and a measurement of one step is drawn at that step.
    assert drawn == {
        "faces": {"pixel": steps},
        "unseen": {"val_pixel": [3]},
        "others": {"cycle": steps},
    }
