"""Plot accuracy over the number of synthetic faces, one line per arm.

Bars are 95 % intervals over subjects. The axis is to scale; rows without synthetic faces are at 0.
"""

from pathlib import Path
from typing import Any

import numpy as np

from faceprep.report.figure import FAINT, GRAY, INK, PALETTE, PAPER, save_figure
from faceprep.stages.classify.result import ClassifyResult

#: Share of the axis below which the labels of two numbers would overlap.
_NEAR = 0.08


def plot_accuracy(result: ClassifyResult, out: Path) -> str:
    """Draw the table into a PNG, and return its path; FaceprepError if it cannot be written."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), layout="constrained", facecolor=PAPER)
    axes: Any = figure.subplots()
    counts = sorted({one.row.synthetic for one in result.rows})
    arms = list(dict.fromkeys(one.row.arm for one in result.rows))
    for number, arm in enumerate(arms):
        _draw(axes, result, arm, number, alone=len(counts) == 1)
    axes.set_facecolor(PAPER)
    tested = "unseen pictures (people unknown)" if result.unknown_people else "unseen people"
    axes.set_ylabel(f"accuracy on {tested}, %", color=INK, fontsize=9)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(colors=GRAY, labelsize=8)
    if len(counts) > 1:
        near = min(np.diff(counts)) < _NEAR * counts[-1]
        axes.set_xticks(counts, [f"{count:,}" for count in counts], rotation=60 if near else 0)
        axes.set_xlabel("synthetic faces", color=INK, fontsize=9)
        axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    else:
        axes.set_xticks(range(len(arms)), arms)
        axes.set_xlabel("without synthetic faces", color=INK, fontsize=9)
    axes.margins(x=0.05 if len(counts) > 1 else 0.5 / len(arms))
    save_figure(figure, out, dpi=130)
    return str(out)


def _draw(axes: Any, result: ClassifyResult, arm: str, number: int, *, alone: bool) -> None:
    """Draw one arm: points with bars, joined by a line; at its `number` if no row has faces."""
    rows = sorted(
        (one for one in result.rows if one.row.arm == arm), key=lambda one: one.row.synthetic
    )
    found = [one.accuracy.accuracy for one in rows]
    values = 100 * np.array([one.value for one in found])
    low, high = (100 * np.array([getattr(one, end) for one in found]) for end in ("low", "high"))
    places = np.array([number if alone else one.row.synthetic for one in rows], float)
    colour = PALETTE[number % len(PALETTE)]
    # If all subjects have the same accuracy, an end may be off by a rounding error.
    bars = np.nan_to_num(np.maximum([values - low, high - values], 0))
    axes.errorbar(
        places, values, yerr=bars, color=colour, marker="o", markersize=5, linewidth=1.4,
        elinewidth=1, capsize=2 + 1.5 * number, label=arm,  # bars of several arms overlap
    )  # fmt: skip
    for one, place in zip(rows, places, strict=True):  # every seed
        seeds = 100 * np.array(one.accuracy.by_seed)
        axes.plot(np.full(len(seeds), place), seeds, ".", color=colour, alpha=0.4, markersize=3)
