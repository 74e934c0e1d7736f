"""matplotlib, where it is installed."""

from typing import TYPE_CHECKING

from faceprep.core.errors import MissingToolError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_class() -> "type[Figure]":
    """Import matplotlib's figure, which draws without a display.

    Raises
    ------
    MissingToolError
        When matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingToolError("matplotlib is not installed", "pip install matplotlib") from None
    return Figure
