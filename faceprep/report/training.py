"""Pictures of a training: samples of the generator, and the losses over the steps.

Text is drawn with OpenCV, so that samples need no further package on a GPU machine; only the plot
of the losses needs matplotlib.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from faceprep.core.errors import Again
from faceprep.core.files import atomic_write
from faceprep.core.images import write_png
from faceprep.core.marks import MARK
from faceprep.report.figure import save_figure
from faceprep.stages.train.run import Pictures

if TYPE_CHECKING:
    from torch import Tensor

    from faceprep.training.trainer import Samples

PAPER, INK, GRAY = (250, 250, 247), (28, 32, 38), (112, 118, 128)
TILE, GAP, HEADER, BLOCK = 96, 3, 20, 14

#: Panels of the plot in a row.
_ACROSS = 3
#: Columns of the history that are no loss.
_NOT_DRAWN = ("step", "seconds")


def sample_sheet(path: Path, samples: "Samples", preset: str, step: int) -> None:
    """Draw tables of samples of a generator in training into a PNG."""
    tables = [_table(table.columns, table.titles) for table in samples.tables]
    width = max(table.shape[1] for table in tables)
    title = _line(width, f"{preset}, step {step}: {samples.title}")
    sheet = np.concatenate([title, *(_wide(table, width) for table in tables)])
    with atomic_write(path) as temporary:
        write_png(temporary, sheet, MARK)


def _table(columns: "list[Tensor]", titles: list[str]) -> np.ndarray:
    """Arrange columns of images under their titles."""
    from faceprep.core.pixels import to_uint8

    rows = len(columns[0])
    sheet = np.full(
        (HEADER + rows * (TILE + GAP) + BLOCK, len(columns) * (TILE + GAP), 3), PAPER, np.uint8
    )
    for c, (images, title) in enumerate(zip(columns, titles, strict=True)):
        left = c * (TILE + GAP)
        _write(sheet, title, left, HEADER - 6, GRAY)
        for r, picture in enumerate(to_uint8(images).permute(0, 2, 3, 1).cpu().numpy()):
            top = HEADER + r * (TILE + GAP)
            tile = cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_CUBIC)
            sheet[top : top + TILE, left : left + TILE] = tile
    return sheet


def _wide(picture: np.ndarray, width: int) -> np.ndarray:
    missing = width - picture.shape[1]
    paper = np.full((picture.shape[0], missing, 3), PAPER, np.uint8)
    return np.concatenate([picture, paper], axis=1)


def _line(width: int, text: str) -> np.ndarray:
    line = np.full((HEADER + 4, width, 3), PAPER, np.uint8)
    _write(line, text, 2, HEADER - 4, INK)
    return line


def _write(picture: np.ndarray, text: str, left: int, base: int, colour: tuple[int, ...]) -> None:
    cv2.putText(picture, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, 1, cv2.LINE_AA)


def plot_losses(history: Path, out: Path, panels: Mapping[str, tuple[str, ...]]) -> Path:
    """Draw the columns of ``history.parquet`` into a PNG, smoothed over a hundredth of the steps.

    Parameters
    ----------
    panels
        Title of a panel → its columns; columns in no panel are drawn together in a last one.

    Raises
    ------
    FaceprepError
        The picture cannot be written.
    """
    import pandas as pd
    from matplotlib.figure import Figure

    table = pd.read_parquet(history)
    window = max(len(table) // 100, 1)
    smooth = table.select_dtypes("number").rolling(window, min_periods=1).mean()
    drawn = _with_rest(panels, [str(name) for name in smooth if name not in _NOT_DRAWN])
    down = -(-len(drawn) // _ACROSS)
    figure = Figure(figsize=(12, 3.2 * down), layout="constrained")
    grid: Any = figure.subplots(down, _ACROSS, sharex=True, squeeze=False)
    for axes in grid.flat[len(drawn) :]:
        axes.set_axis_off()
    for axes, (title, names) in zip(grid.flat, drawn.items(), strict=False):
        for name in names:
            values = smooth[name].dropna()  # some are measured every few hundred steps only
            axes.plot(table["step"][values.index], values, label=name, linewidth=1)
        axes.set_title(title, fontsize=9, loc="left")
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:
            axes.legend(fontsize=6.5, frameon=False)
    for axes in grid[-1]:
        axes.set_xlabel("step", fontsize=8)
    save_figure(figure, out, Again({"overwrite": False}, note="when there is space"), dpi=110)
    return out


def _with_rest(panels: Mapping[str, tuple[str, ...]], columns: list[str]) -> dict[str, list[str]]:
    """Return the columns that exist by panel, and a last panel of those in no other."""
    drawn = {title: [name for name in names if name in columns] for title, names in panels.items()}
    named = {name for names in panels.values() for name in names}
    rest = [name for name in columns if name not in named]
    return {**drawn, "others": rest} if rest else drawn


#: Drawing functions of ``train``.
PICTURES = Pictures(sample_sheet, plot_losses)
