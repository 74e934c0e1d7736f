"""Backend ``openface-models``: OpenFace's Action Units from its model files, without its programs.

A face alone is judged as ``FaceLandmarkImg`` does, a face of a sequence as ``FeatureExtraction``
does, by all frames that lie around it on disk. Crops exist of selected frames only, so there every
face is alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.openface.models.folder import models_of
from faceprep.faces.action_units.openface.models.landmark_source import load_source
from faceprep.faces.action_units.openface.sequences import find_sequences


class ModelsBackend:
    """The user's own copy of OpenFace's AU predictors, run here."""

    name = "openface-models"

    def available(self, config: Config) -> str | None:
        """Return why not: no models, damaged ones, or no CSV files where their points are asked."""
        try:
            models_of(config.aus)
            load_source(config)
        except MissingToolError as error:
            return error.message
        return None

    def fingerprint(self, config: Config) -> dict[str, Any]:
        """Hash of the models, and what decides which pictures and points they see."""
        return {
            "models": models_of(config.aus).digest[:16],
            "input": config.aus.input,
            "sequences": "dynamic" if config.aus.whole_sequences else "static",
            "landmarks": config.aus.landmarks,
            **load_source(config).fingerprint(),
        }

    def run(self, faces: Sequence[FaceInput], config: Config, scratch: Path) -> list[AUResult]:
        """Judge each sequence as a whole, where that is asked for, and all other faces alone."""
        from faceprep.faces.action_units.openface.models.estimator import Judge

        judge = Judge(config, models_of(config.aus), load_source(config))
        found: dict[int, AUResult] = {}
        alone = list(range(len(faces)))
        if config.aus.whole_sequences:
            sequences, alone = find_sequences([face.select for face in faces], judge.root)
            for sequence in sequences:
                found |= judge.sequence(sequence, {k: faces[k] for k in sequence.selected})
        found |= zip(alone, judge.stills([faces[k] for k in alone]), strict=True)
        return [found[k] for k in range(len(faces))]
