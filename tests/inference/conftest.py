"""Fixtures of the verbs that use a generator."""

from builders.inference import drawn_workspace, painter, photograph, run_verb  # noqa: F401
