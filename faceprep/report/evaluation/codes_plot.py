"""Plot a t-SNE of identities g(x), by person and by expression (Ding et al. 2018, Fig. 6)."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceprep.core.vocabulary import EXPRESSIONS
from faceprep.evaluation.codes import CodesReport, project
from faceprep.report.figure import GRAY, PAPER, STYLE, save_figure
from faceprep.report.sheets.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Number of coloured subjects, those with the most faces; the others are gray.
MOST_PEOPLE = 20

# Colours of Okabe and Ito, and two further colours.
_EXPRESSIONS = dict(
    zip(
        EXPRESSIONS,
        ("#d55e00", "#8c6d31", "#009e73", "#cc79a7", "#e69f00", "#9aa0a6", "#0072b2", "#56b4e9"),
        strict=True,
    )
)


def plot_codes(report: CodesReport, out: Path, seed: int = 0) -> None:
    """Draw the identities twice, coloured by person and by expression.

    `out` is validated by `faceprep.report.figure.check_plot`; `seed` is that of t-SNE.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    places = project(report.g, seed)
    people, counts = np.unique(report.subjects, return_counts=True)
    shown = people[np.argsort(-counts, kind="stable")][:MOST_PEOPLE]
    colours = mpl.colormaps["tab20"]
    persons = {name: colours(number) for number, name in enumerate(shown)}
    with mpl.rc_context():
        mpl.rcdefaults()  # the user's own style may not fit
        mpl.rcParams.update(STYLE)
        figure = Figure(figsize=(12, 6.4))
        left, right = figure.subplots(1, 2)
        _draw(left, places, report.subjects, persons, len(people) <= 10)
        _draw(right, places, report.expressions, _EXPRESSIONS, True)
        g = report.rows[0]
        k = report.neighbours
        left.set_title(
            f"by person: {100 * g.identity:.0f} % of {k} neighbours,"
            f" chance {100 * report.identity_chance:.0f} %",
            loc="left", fontsize=10,
        )  # fmt: skip
        right.set_title(
            f"by expression, other people: {100 * g.expression:.0f} % of {k} neighbours,"
            f" chance {100 * report.expression_chance:.0f} %",
            loc="left", fontsize=10,
        )  # fmt: skip
        title = f"t-SNE of g(x), {len(report.g)} faces of {len(people)} people"
        figure.text(0.02, 0.96, title, fontsize=14, va="center")
        figure.text(0.02, 0.925, printable(report.generator), fontsize=8.5, color=GRAY, va="center")
        figure.subplots_adjust(left=0.02, right=0.98, top=0.86, bottom=0.1, wspace=0.05)
        hint = "draw it in another folder with -o"
        save_figure(figure, out, hint, dpi=110, facecolor=PAPER)


def _draw(
    axes: "Axes", places: np.ndarray, names: np.ndarray, colours: dict, legend: bool
) -> None:  # fmt: skip
    for name in np.unique(names):
        mine = places[names == name]
        colour = colours.get(name, "#d9dad6")
        label = printable(str(name).rpartition("/")[2])
        axes.scatter(mine[:, 0], mine[:, 1], s=16, color=[colour], label=label, linewidths=0)
    axes.set_xticks([])
    axes.set_yticks([])
    if legend:
        axes.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=8, fontsize=7.5, frameon=False,
            handletextpad=0.1, columnspacing=0.8,
        )  # fmt: skip
