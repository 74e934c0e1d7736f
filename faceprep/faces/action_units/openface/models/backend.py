"""Backend ``openface-models``: run the AU models of OpenFace without its programs.

A single face is estimated as by ``FaceLandmarkImg``. A face of a sequence is estimated as by
``FeatureExtraction``, from all frames of the sequence on disk. Crops exist only for selected
frames, so they are always estimated as single faces.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.openface.models.estimator import Estimator
from faceprep.faces.action_units.openface.models.folder import models_of
from faceprep.faces.action_units.openface.models.landmark_source import load_source
from faceprep.faces.action_units.openface.sequences import find_sequences


class ModelsBackend:
    """Run the user's copy of the AU predictors of OpenFace."""

    name = "openface-models"

    def available(self, config: Config) -> str | None:
        """Return why not: no models, damaged models, or missing CSV files with landmarks."""
        try:
            models_of(config.aus)
            load_source(config)
        except MissingToolError as error:
            return error.message
        return None

    def fingerprint(self, config: Config) -> dict[str, Any]:
        """Return the hash of the models and the settings of their inputs."""
        return {
            "models": models_of(config.aus).digest[:16],
            "input": config.aus.input,
            "sequences": "dynamic" if config.aus.whole_sequences else "static",
            "landmarks": config.aus.landmarks,
            **load_source(config).fingerprint(),
        }

    def run(self, faces: Sequence[FaceInput], config: Config, scratch: Path) -> list[AUResult]:
        """Estimate sequences as a whole if configured, and all other faces individually."""
        estimator = Estimator(config, models_of(config.aus), load_source(config))
        found: dict[int, AUResult] = {}
        alone = list(range(len(faces)))
        if config.aus.whole_sequences:
            sequences, alone = find_sequences([face.select for face in faces], estimator.root)
            for sequence in sequences:
                found |= estimator.estimate_sequence(
                    sequence, {k: faces[k] for k in sequence.selected}
                )
        found |= zip(alone, estimator.estimate_stills([faces[k] for k in alone]), strict=True)
        return [found[k] for k in range(len(faces))]
