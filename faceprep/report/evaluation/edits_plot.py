"""Plot identity distance against the error of the Action Units, for one or several generators."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from faceprep.core.errors import UsageError
from faceprep.evaluation.edits.result import EditReport
from faceprep.report.figure import FAINT, GRAY, INK, PALETTE, PAPER, STYLE, save_figure
from faceprep.report.sheets.text import printable


class Curve(NamedTuple):
    """Edits of one generator by intensity, ascending, and the unedited copies."""

    name: str
    intensities: list[float]
    errors: list[float]
    distances: list[float]
    copy: float  # error of the copies, whose distance is 0


def curve_of(report: EditReport) -> Curve:
    """Return the curve of an evaluation of a kind driven by Action Units."""
    aus = report.action_units
    assert aus is not None
    return Curve(
        report.generator,
        [point.intensity for point in aus.curve],
        [point.error for point in aus.curve],
        [point.distance for point in aus.curve],
        aus.error.copy,
    )


def read_curve(path: Path) -> Curve:
    """Read the curve of another evaluation from its JSON (``--json``).

    Raises
    ------
    UsageError
        The file is no such JSON, or of a kind that is not driven by Action Units.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        aus = data["action_units"]
        intensities, errors, distances = (
            [float(point[key]) for point in aus["curve"]]
            for key in ("intensity", "error", "distance")
        )
        copy = float(aus["error"]["copy"])
        return Curve(str(data["generator"]), intensities, errors, distances, copy)
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{path} is not the result of an evaluation of edits by Action Units",
            f"write the output of the evaluation with --json to {path.name}",
        ) from None


def plot_curves(curves: Sequence[Curve], out: Path) -> None:
    """Draw one line per generator; `out` is validated by `faceprep.report.figure.check_plot`."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()  # the user's own style may not fit
        mpl.rcParams.update(STYLE)
        figure = Figure(figsize=(6.4, 4.8), layout="constrained")
        axes = figure.subplots()
        for number, curve in enumerate(curves):
            colour = PALETTE[number % len(PALETTE)]
            label = printable(curve.name)
            axes.plot(curve.errors, curve.distances, "o-", color=colour, label=label, markersize=4)
            for values in zip(curve.intensities, curve.errors, curve.distances, strict=True):
                axes.annotate(
                    f"{values[0]:g}", values[1:], (4, 4), textcoords="offset points",
                    fontsize=7, color=GRAY,
                )  # fmt: skip
            axes.plot([curve.copy], [0], "x", color=colour)
        axes.set_xlabel("AU error to the whole expression, intensities (×: unedited copy)")
        axes.set_ylabel("φ-distance to the source")
        axes.set_ylim(bottom=0)
        axes.set_title(
            "Identity at equal AU error: lower left is better", loc="left", color=INK, fontsize=10
        )
        axes.grid(color=FAINT, linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
        save_figure(figure, out, "draw it in another folder with --plot", dpi=140, facecolor=PAPER)
