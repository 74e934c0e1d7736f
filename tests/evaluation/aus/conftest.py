"""Fixtures of a drawn dataset with known Action Units."""

from builders.drawn_aus import drawn, select, truth  # noqa: F401
