"""Fixtures: a drawn dataset with known action units, and the verbs that use a generator."""

from builders.drawn_aus import drawn, select, truth  # noqa: F401
from builders.inference import drawn_workspace, photograph, run_verb  # noqa: F401
from builders.landmark_painter import landmark_workspace, run_landmarks  # noqa: F401
from builders.units import clip_folder, run_units, unit_workspace  # noqa: F401
