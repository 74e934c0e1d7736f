"""Pictures of a training: samples of the generator, and the losses over the steps.

Text is drawn with OpenCV, so that samples need no further package on a GPU machine; only the plot
of the losses needs matplotlib.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from faceprep.core.errors import FaceprepError
from faceprep.core.files import atomic_write
from faceprep.core.images import write_png
from faceprep.stages.train.run import Pictures

if TYPE_CHECKING:
    from torch import Tensor

    from faceprep.training.trainer import Samples

PAPER, INK, GRAY = (250, 250, 247), (28, 32, 38), (112, 118, 128)
TILE, GAP, HEADER, BLOCK = 96, 3, 20, 14

#: Panel of the plot → columns of the history.
_PANELS = {
    "faces as they are": ("pixel", "pixel_bottleneck", "identity", "embedding", "tv"),
    "edits": ("class_frozen", "class_image", "class_projected", "embedding_edit", "image_cycle"),
    "generator against discriminators": (
        "adversarial",
        "adversarial_projected",
        "adversarial_latent",
        "adversarial_new",
    ),
    "Q": ("q", "d_q"),
    "discriminators": ("d_image", "d_projected", "d_latent", "d_class", "d_class_projected"),
    "health": ("d_gap", "d_gap_projected", "code_spread", "flow", "residual_mean"),
}


def sample_sheet(path: Path, samples: "Samples", preset: str, step: int) -> None:
    """Draw tables of samples of a generator in training into a PNG."""
    tables = [_table(table.columns, table.titles) for table in samples.tables]
    width = max(table.shape[1] for table in tables)
    title = _line(width, f"{preset}, step {step}: {samples.title}")
    sheet = np.concatenate([title, *(_wide(table, width) for table in tables)])
    with atomic_write(path) as temporary:
        write_png(temporary, sheet)


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


def plot_losses(history: Path, out: Path) -> Path:
    """Draw the columns of ``history.parquet`` into a PNG, smoothed over a hundredth of the steps.

    FaceprepError if the picture cannot be written.
    """
    import pandas as pd
    from matplotlib.figure import Figure

    table = pd.read_parquet(history)
    window = max(len(table) // 100, 1)
    smooth = table.select_dtypes("number").rolling(window, min_periods=1).mean()
    figure = Figure(figsize=(12, 6.4), layout="constrained")
    grid: Any = figure.subplots(2, 3, sharex=True)
    for axes, (title, names) in zip(grid.flat, _PANELS.items(), strict=True):
        for name in names:
            if name in smooth:
                axes.plot(table["step"], smooth[name], label=name, linewidth=1)
        axes.set_title(title, fontsize=9, loc="left")
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:
            axes.legend(fontsize=6.5, frameon=False)
    for axes in grid[-1]:
        axes.set_xlabel("step", fontsize=8)
    try:
        figure.savefig(out, dpi=110)
    except OSError as error:
        raise FaceprepError(f"{out} cannot be written: {error}", "make room") from None
    return out


#: Drawing functions of ``train``.
PICTURES = Pictures(sample_sheet, plot_losses)
