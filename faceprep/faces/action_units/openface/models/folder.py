"""Where the user's copy of OpenFace's models lies."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from faceprep.config import AusConfig
from faceprep.core.errors import MissingToolError
from faceprep.faces.action_units.openface.models.predictors import (
    AUModels,
    find_predictors,
    load_models,
)

#: Names a build of OpenFace where ``aus.openface_bin`` is not set.
VARIABLE = "FACEPREP_OPENFACE"
#: One of OpenFace's programs; its models lie beside it or above it.
PROGRAM = "FaceLandmarkImg"


def models_of(config: AusConfig) -> AUModels:
    """Load the models that the configuration names, or those of a build of OpenFace.

    Looks at ``aus.openface_models``; without it, beside the programs that ``aus.openface_bin``,
    the variable ``FACEPREP_OPENFACE`` or the PATH name.

    Raises
    ------
    MissingToolError
        There are none, or they are damaged; the message says which.
    """
    if config.openface_models is not None:
        return load_models(config.openface_models)
    for folder in _beside_programs(config.openface_bin):
        try:
            place = find_predictors(folder)
        except MissingToolError:
            continue
        return load_models(place)
    raise MissingToolError(
        "aus.openface_models is not set, and no build of OpenFace with its AU_predictors was found",
        "--set aus.openface_models=DIR, your copy of OpenFace's AU_predictors",
    )


def _beside_programs(named: str | None) -> Iterator[Path]:
    """Folders of OpenFace's programs, and the folders above them."""
    for text in (named, os.environ.get(VARIABLE), shutil.which(PROGRAM)):
        for path in _real(text) if text else ():
            folder = path if path.is_dir() else path.parent
            yield folder
            yield folder.parent


def _real(text: str) -> Iterator[Path]:
    """The place itself and where a link leads; nothing for a command line (``docker run …``)."""
    try:
        path = Path(text).expanduser()
        if path.exists():
            yield path
            yield path.resolve()
    except (OSError, ValueError, RuntimeError):
        return
