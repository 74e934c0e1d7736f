"""One module per verb; `load_stage` finds it by name without importing the others."""

import importlib

from faceprep.stages.base import Stage


def load_stage(name: str) -> Stage:
    """Return the stage of a name in `faceprep.config.STAGES` other than ``select``.

    ``select`` has no upstream and is driven by `faceprep.stages.select.run_select`.
    """
    stage: Stage = importlib.import_module(f"faceprep.stages.{name}").STAGE
    return stage
