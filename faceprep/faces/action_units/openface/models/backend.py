"""Backend ``openface-models``: run the AU models of OpenFace without its programs.

A single face is estimated as by ``FaceLandmarkImg``. A face of a sequence is estimated as by
``FeatureExtraction``, from all frames of the sequence on disk. Crops exist only for selected
frames, so they are always estimated as single faces.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from faceprep.config import AusConfig, Config
from faceprep.core.errors import MissingToolError
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.openface.models.au_models import (
    AUModels,
    find_predictors,
    load_models,
)
from faceprep.faces.action_units.openface.models.estimator import Estimator
from faceprep.faces.action_units.openface.models.landmark_source import load_source
from faceprep.faces.action_units.openface.sequences import find_sequences


class ModelsBackend:
    """Run the user's copy of the AU predictors of OpenFace."""

    name = "openface-models"
    settings = (
        "input", "sequences", "landmarks", "openface_models", "openface_bin", "openface_csv",
    )  # fmt: skip

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


#: Environment variable that names a build of OpenFace if ``aus.openface_bin`` is not set.
VARIABLE = "FACEPREP_OPENFACE"
#: Program of OpenFace; the models are in its folder or the one above.
PROGRAM = "FaceLandmarkImg"


def models_of(config: AusConfig) -> AUModels:
    """Load the models that the configuration names, or those of a build of OpenFace.

    The folder is ``aus.openface_models``. Without it, the models are searched beside the programs
    that ``aus.openface_bin`` names, or, if it is not set, the variable ``FACEPREP_OPENFACE`` or the
    PATH. Raises MissingToolError if there are none, or they are damaged.
    """
    if config.openface_models is not None:
        return load_models(config.openface_models)
    for folder in _beside_programs(config.openface_bin):
        try:
            place = find_predictors(folder)
        except MissingToolError:
            continue
        return load_models(place)
    where = f"with {config.openface_bin} (aus.openface_bin) " if config.openface_bin else ""
    raise MissingToolError(
        "aus.openface_models is not set, and no build of OpenFace with its AU_predictors was found"
        f" {where}".rstrip(),
        "name your copy of OpenFace's AU_predictors in aus.openface_models",
    )


def _beside_programs(named: str | None) -> Iterator[Path]:
    """Yield the folders of the programs of OpenFace and their parent folders."""
    for text in (named,) if named else (os.environ.get(VARIABLE), shutil.which(PROGRAM)):
        for path in _real(text) if text else ():
            folder = path if path.is_dir() else path.parent
            yield folder
            yield folder.parent


def _real(text: str) -> Iterator[Path]:
    """Yield a path and the target of its links; nothing for a command line (``docker run …``)."""
    try:
        path = Path(text).expanduser()
        if path.exists():
            yield path
            yield path.resolve()
    except (OSError, ValueError, RuntimeError):
        return
