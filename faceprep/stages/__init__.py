"""Stages, one module or folder per verb; `load_stage` imports a stage by name."""

import importlib

from faceprep.execution.stage import Stage

#: Name of a stage → module that holds its ``STAGE``.
_STAGES = {
    "align": "faceprep.stages.align.stage",
    "heatmaps": "faceprep.stages.heatmaps",
    "aus": "faceprep.stages.aus",
}


def load_stage(name: str) -> Stage:
    """Return the stage of a name in `faceprep.config.STAGES` other than ``select``.

    ``select`` has no upstream and is driven by `faceprep.stages.select.run.run_select`.
    """
    stage: Stage = importlib.import_module(_STAGES[name]).STAGE
    return stage
