"""Calibrate the intensity of a trained generator.

A generator may change a face mostly within a small part of the range 0 … 1. A monotonic map from
the requested intensity to the input of the generator is therefore fitted on measured edits of
training faces, and stored in the generator's file as ``extra["calibration"]``.
"""

from pathlib import Path

from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.core.progress import Progress
from faceprep.generators.editor import CALIBRATION, Editor
from faceprep.generators.store import load_generator
from faceprep.generators.targets import NEUTRAL, references_of
from faceprep.training.checkpoint import read_checkpoint
from faceprep.training.checkpoint_writer import add_extra
from faceprep.workspace import Workspace
from faceprep.workspace.training_rows import training_rows


def calibrate_trained(config: Config, file: Path, device: str, progress: Progress) -> bool:
    """Fit the maps on some training faces and store them in a generator's file.

    A file with maps is not changed. If landmarks cannot be measured, a message is printed.

    `config`: configuration of the training; ``train.calibrate`` is the number of faces, 0 for none.
    `file`: ``generator.safetensors``.
    `device`: device of the generator.
    `progress`: receiver of messages.
    Returns whether the file has a calibration now.
    Raises `FaceprepError`: the file is damaged or cannot be written.
    """
    if CALIBRATION in read_checkpoint(file).extra:
        return True
    if not config.train.calibrate:
        return False
    try:
        # A training machine may lack the landmark predictor.
        from faceprep.faces.dlib.landmark_predictor import shared_predictor
        from faceprep.metrics.intensity import calibrate
        from faceprep.metrics.workspace_faces import in_turns, read_faces

        shared_predictor()
    except (MissingToolError, ImportError) as error:
        why = error.message if isinstance(error, MissingToolError) else str(error)
        progress.say(f"train: the intensity is not calibrated: {why}")
        return False
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
