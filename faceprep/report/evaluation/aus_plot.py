"""Plot the result of ``faceprep evaluate aus``.

Left: r with its interval, ICC and F1 by AU. Right: one panel per AU, estimated over known
intensity of every face.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceprep.core.vocabulary import AU_DESCRIPTIONS, INTENSITY_AUS
from faceprep.evaluation.aus.agreement import AUAgreement
from faceprep.evaluation.aus.evaluate import AUEvaluation
from faceprep.report.evaluation.aus_table import headline
from faceprep.report.figure import (
    BLUE,
    FAINT,
    GRAY,
    INK,
    ORANGE,
    PAPER,
    STYLE,
    check_plot,
    save_figure,
)
from faceprep.report.numbers import number
from faceprep.report.sheets.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Most points of a panel; larger sets are sampled at random.
MOST_POINTS = 1500

_ROWS, _COLUMNS = 3, 6
_SIZE, _DOTS = (16.5, 8.6), 110
_MAX = 5.0
_JITTER = 0.16
_THIN = 0.012  # bar of a zero


def plot_agreement(evaluation: AUEvaluation, out: Path) -> None:
    """Draw an evaluation into a file; errors as of `check_plot`, or if it cannot be written."""
    check_plot(out)
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()  # the user's own style may not fit
        mpl.rcParams.update(STYLE)
        save_figure(draw(evaluation), out, "draw it in another folder with --plot", dpi=_DOTS)


def draw(evaluation: AUEvaluation) -> "Figure":
    """Lay out the figure; `plot_agreement` sets the style and writes it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE)
    halves = figure.add_gridspec(
        1, 2, width_ratios=(4.3, 12), left=0.048, right=0.987, top=0.855, bottom=0.075, wspace=0.12
    )
    bars = halves[0].subgridspec(1, 2, width_ratios=(1.75, 1), wspace=0.14)
    correlation = figure.add_subplot(bars[0])
    _draw_correlations(correlation, evaluation)
    _draw_f1(figure.add_subplot(bars[1], sharey=correlation), evaluation)
    panels = halves[1].subgridspec(_ROWS, _COLUMNS, hspace=0.36, wspace=0.24)
    for index, au in enumerate(INTENSITY_AUS):
        row, column = divmod(index, _COLUMNS)
        axes = figure.add_subplot(panels[row, column])
        _draw_faces(axes, evaluation, au)
        below = index + _COLUMNS >= len(INTENSITY_AUS)
        axes.set_xlabel("known" if below else "")
        axes.set_ylabel("" if column else "estimated")
    _write_key(figure.add_subplot(panels[_ROWS - 1, _COLUMNS - 1]), evaluation)
    title = f"Action Units of {_short(evaluation.workspace)} against {_short(evaluation.reference)}"
    figure.text(0.012, 0.962, printable(title), fontsize=15, va="center")
    faces = _short(headline(evaluation), 200)
    figure.text(0.012, 0.922, printable(faces), fontsize=9, color=GRAY, va="center")
    return figure


def _draw_correlations(axes: "Axes", evaluation: AUEvaluation) -> None:
    """Draw Pearson's r with its interval, and the ICC, one line per AU."""
    rows = [*evaluation.aus, evaluation.mean]
    lowest = float(np.nanmin([(0.0, one.r, one.r_low, one.icc) for one in rows]))
    for y, one in enumerate(rows):
        axes.axhline(y, color=FAINT, linewidth=0.5, zorder=0)
        if not math.isnan(one.r_low):
            axes.plot((one.r_low, one.r_high), (y, y), color=BLUE, linewidth=1.8, alpha=0.5)
        axes.plot(one.r, y, "o", color=BLUE, markersize=6)
        axes.plot(one.icc, y, "D", markersize=4.6, markerfacecolor=PAPER, markeredgecolor=ORANGE)
        if math.isnan(one.r):
            axes.text(0.5, y, "no r", color=GRAY, fontsize=7, ha="center", va="center")
    axes.set_xlim(min(math.floor(4 * lowest) / 4, -0.03), 1.03)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.axvline(0, color=GRAY, linewidth=0.6)
    axes.set_yticks(range(len(rows)), [one.au for one in rows], fontsize=9, color=INK)
    axes.axhline(len(evaluation.aus) - 0.5, color=GRAY, linewidth=0.6)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title("Pearson's r", loc="left", fontsize=10, color=BLUE)
    axes.set_title("ICC(3,1)", loc="right", fontsize=10, color=ORANGE)
    _bare(axes)


def _draw_f1(axes: "Axes", evaluation: AUEvaluation) -> None:
    """Draw F1 of the presence as bars, and the F1 of predicting it for every face."""
    rows = [*evaluation.aus, evaluation.mean]
    for y, one in enumerate(rows):
        axes.axhline(y, color=FAINT, linewidth=0.5, zorder=0)
        if not math.isnan(one.f1):
            axes.barh(y, max(one.f1, _THIN), height=0.56, color=BLUE, alpha=0.75)
        if one.present > 0 and one is not evaluation.mean:
            blind = 2 * one.present / (1 + one.present)
            axes.plot((blind, blind), (y - 0.38, y + 0.38), color=INK, linewidth=1.4)
        if math.isnan(one.f1):
            axes.text(0.5, y, "absent", color=GRAY, fontsize=7, ha="center", va="center")
    axes.set_xlim(0, 1.03)
    axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    axes.axhline(len(evaluation.aus) - 0.5, color=GRAY, linewidth=0.6)
    axes.set_title("F1", loc="left", fontsize=10, color=BLUE)
    axes.tick_params(labelleft=False)
    _bare(axes)


def _draw_faces(axes: "Axes", evaluation: AUEvaluation, au: str) -> None:
    """Draw estimated over known intensity, one point per face."""
    column = INTENSITY_AUS.index(au)
    pairs = evaluation.pairs
    known, estimated = pairs.known.intensities[:, column], pairs.estimated.intensities[:, column]
    shown = np.flatnonzero(np.isfinite(known) & np.isfinite(estimated))
    random = np.random.default_rng(0)
    if len(shown) > MOST_POINTS:
        shown = random.choice(shown, MOST_POINTS, replace=False)
    x, y = known[shown], estimated[shown]
    if len(x) and (x == np.rint(x)).all():  # grades: add jitter to separate equal points
        x = x + random.uniform(-_JITTER, _JITTER, len(x))
    axes.plot((0, _MAX), (0, _MAX), color=GRAY, linewidth=0.7, dashes=(4, 3), zorder=1)
    alpha = float(np.clip(40 / math.sqrt(max(len(x), 1)) / 6, 0.15, 0.6))
    axes.plot(x, y, "o", color=BLUE, markersize=3.6, markeredgewidth=0, alpha=alpha, zorder=2)
    one = next(one for one in evaluation.aus if one.au == au)
    axes.set_xlim(-0.3, _MAX + 0.3)
    axes.set_ylim(-0.3, _MAX + 0.3)
    axes.set_xticks(range(6))
    axes.set_yticks(range(6))
    axes.set_title(f"{au} {AU_DESCRIPTIONS[au]}", loc="left", fontsize=8.5, pad=4)
    axes.text(
        0.04, 0.96, _numbers(one), transform=axes.transAxes, va="top", fontsize=7.5,
        linespacing=1.4,
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 1.5},
    )  # fmt: skip
    _bare(axes)


def _numbers(one: AUAgreement) -> str:
    return f"r {number(one.r)}   MAE {number(one.mae)}\nn {one.n:,}"


def _write_key(axes: "Axes", evaluation: AUEvaluation) -> None:
    """Draw the legend in place of the last panel."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    lines = [
        ("r", "r and its 95 % interval,\nresampled by subject"),
        ("icc", "ICC(3,1)"),
        ("f1", "F1 of the presence"),
        ("blind", "F1 of “always present”"),
        ("face", _faces_drawn(evaluation)),
        ("same", "estimated = known"),
    ]
    y = 0.95
    for mark, text in lines:
        _mark(axes, mark, 0.07, y)
        axes.text(0.2, y, text, va="center", fontsize=8)
        y -= 0.2 if "\n" in text else 0.15


def _mark(axes: "Axes", mark: str, x: float, y: float) -> None:
    wide = (x - 0.07, x + 0.07)
    if mark == "r":
        axes.plot(wide, (y, y), color=BLUE, linewidth=1.8, alpha=0.5)
        axes.plot(x, y, "o", color=BLUE, markersize=6)
    elif mark == "icc":
        axes.plot(x, y, "D", markersize=4.6, markerfacecolor=PAPER, markeredgecolor=ORANGE)
    elif mark == "f1":
        axes.plot(wide, (y, y), color=BLUE, linewidth=6, alpha=0.75, solid_capstyle="butt")
    elif mark == "blind":
        axes.plot((x, x), (y - 0.05, y + 0.05), color=INK, linewidth=1.4)
    elif mark == "face":
        axes.plot(x, y, "o", color=BLUE, markersize=3.6, markeredgewidth=0, alpha=0.6)
    else:
        axes.plot(wide, (y, y), color=GRAY, linewidth=0.7, dashes=(4, 3))


def _faces_drawn(evaluation: AUEvaluation) -> str:
    count = len(evaluation.pairs.face_ids)
    return "a face" if count <= MOST_POINTS else f"a face; {MOST_POINTS:,} of\n{count:,} at random"


def _bare(axes: "Axes") -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=2.5)


def _short(text: str, most: int = 60) -> str:
    """Shorten a text in its middle, because both ends carry the information."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"
