"""Find the user's copy of the models of OpenFace."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from faceprep.config import AusConfig
from faceprep.core.errors import MissingToolError
from faceprep.faces.action_units.openface.models.au_models import (
    AUModels,
    find_predictors,
    load_models,
)

#: Environment variable that names a build of OpenFace if ``aus.openface_bin`` is not set.
VARIABLE = "FACEPREP_OPENFACE"
#: Program of OpenFace; the models are in its folder or the one above.
PROGRAM = "FaceLandmarkImg"


def models_of(config: AusConfig) -> AUModels:
    """Load the models that the configuration names, or those of a build of OpenFace.

    The folder is ``aus.openface_models``. Without it, the models are searched beside the programs
    that ``aus.openface_bin``, the variable ``FACEPREP_OPENFACE`` or the PATH name.

    Raises
    ------
    MissingToolError
        If there are none, or they are damaged.
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
    """Yield the folders of the programs of OpenFace and their parent folders."""
    for text in (named, os.environ.get(VARIABLE), shutil.which(PROGRAM)):
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
