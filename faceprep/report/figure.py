"""Style of the plots, and the files that matplotlib writes."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.core.errors import Again, Hint, UsageError
from faceprep.core.files import output_file
from faceprep.core.marks import MARK, PDF_MARK, keep_foreign

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".pdf")

INK, GRAY, FAINT, PAPER = "#1c2026", "#70767f", "#dedfdb", "#fafaf7"

#: Colours of Okabe and Ito, which are distinct in all forms of colour blindness.
BLUE, ORANGE = "#0072b2", "#d55e00"
PALETTE = (BLUE, ORANGE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GRAY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "xtick.color": GRAY,
    "ytick.color": GRAY,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,
}


def check_plot(out: Path, flag: str = "--plot") -> None:
    """Refuse a file that is neither PNG nor PDF, or not faceprep's own, before the work."""
    if out.suffix.lower() not in FORMATS:
        png = Again({flag: out.with_suffix(".png")})
        raise UsageError(f"a plot is a PNG or a PDF, not {out.name}", png)
    keep_foreign([out], flag)


def save_figure(figure: "Figure", out: Path, hint: Hint | None = None, **settings: Any) -> None:
    """Write a plot atomically, in the format of its suffix; equal plots give equal bytes.

    FaceprepError with `hint` if it cannot be written; `settings` are those of ``savefig``.
    """
    kind = out.suffix.lower()[1:]
    metadata: dict[str, Any] = {**PDF_MARK, "CreationDate": None} if kind == "pdf" else {**MARK}
    with output_file(out, hint) as aside:
        data = io.BytesIO()  # Pillow's errors of writing do not say that the disk is full
        figure.savefig(data, format=kind, metadata=metadata, **settings)
        aside.write_bytes(data.getbuffer())
