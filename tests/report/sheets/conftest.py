"""Fixtures of the sheets of generated faces."""

from builders.inference import drawn_workspace, painter  # noqa: F401
from builders.units import unit_painter, unit_workspace  # noqa: F401
