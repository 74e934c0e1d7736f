"""Fixtures of the sheets of generated faces."""

from builders.inference import drawn_workspace, painter  # noqa: F401
