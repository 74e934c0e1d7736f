"""Fixtures of the verbs that use a generator."""

from builders.inference import drawn_workspace, painter, photograph, run_verb  # noqa: F401
from builders.landmark_painter import landmark_painter, landmark_workspace  # noqa: F401
from builders.units import clip_folder, unit_painter, unit_workspace  # noqa: F401
