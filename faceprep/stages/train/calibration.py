"""Calibrate the intensity of a trained generator: measure how strongly each expression shows.

The five elements of an expression code have no order, and a generator may do most of its work in
a small part of 0 … 1. So the intensity that a user asks for goes through a rising map, fitted on
edits of training faces, which lies in the generator's file as ``extra["calibration"]``.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from faceprep.config import Config
from faceprep.core.errors import MissingToolError

if TYPE_CHECKING:
    from faceprep.training.loop import Reporter


def calibrate_trained(config: Config, file: Path, device: str, progress: "Reporter") -> bool:
    """Fit the maps on some training faces and put them into a generator's file.

    A file that has them is left as it is. Where landmarks cannot be measured, one line says so.

    Parameters
    ----------
    config
        Of the training; ``train.calibrate`` is the number of faces, 0 for none.
    file
        ``generator.safetensors``.
    device
        Device of the generator.
    progress
        Prints what was done, or why it was not.

    Returns
    -------
    Whether the file has a calibration now.

    Raises
    ------
    FaceprepError
        The file is damaged or cannot be written.
    """
    from faceprep.generators.calibration import CALIBRATION
    from faceprep.generators.store import load_generator
    from faceprep.training.checkpoint import read_checkpoint
    from faceprep.training.checkpoint_writer import add_extra

    if CALIBRATION in read_checkpoint(file).extra:
        return True
    if not config.train.calibrate:
        return False
    try:
        from faceprep.faces.dlib.landmark_predictor import shared_predictor
        from faceprep.generators.editor import Editor
        from faceprep.generators.references import references_of
        from faceprep.generators.targets import NEUTRAL
        from faceprep.metrics.calibration import calibrate
        from faceprep.metrics.workspace_faces import in_turns, read_faces

        shared_predictor()
    except (MissingToolError, ImportError) as error:
        why = error.message if isinstance(error, MissingToolError) else str(error)
        progress.say(f"train: the intensity is not calibrated: {why}")
        return False
    from faceprep.workspace import Workspace
    from faceprep.workspace.training_rows import training_rows

    model, checked = load_generator(file, device=device)
    editor = Editor(model, None, device, references_of(checked.extra))
    rows = training_rows(
        config.workspace, classes=[*model.classes, NEUTRAL], fold=config.train.fold
    )
    people = (rows["dataset"] + "/" + rows["subject"]).to_numpy(str)
    some = rows.iloc[in_turns(people, config.train.seed)[: config.train.calibrate]]
    progress.say(f"train: calibrating the intensity on {len(some)} training faces")
    place = Workspace(config.workspace)
    maps = calibrate(editor, read_faces(place, some, model.size, editor.targets.measured))
    add_extra(file, {CALIBRATION: {name: one.to_json() for name, one in maps.items()}})
    return True
