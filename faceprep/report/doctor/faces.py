"""Check the face detectors and the backends for Action Units."""

from functools import partial

from faceprep.config import Config
from faceprep.config.sources import resolve
from faceprep.core.disk import size_text
from faceprep.core.errors import Again, Hint, MissingToolError
from faceprep.faces.model_files import dlib_model, mtcnn_weights
from faceprep.report.doctor.check import Check, is_installed, not_installed, safely, version_of

#: AU backend → what makes it usable.
AU_BACKENDS: dict[str, Hint] = {
    "openface": (
        "build it (https://github.com/TadasBaltrusaitis/OpenFace/wiki), then name its folder, here"
        " and for aus; or set FACEPREP_OPENFACE",
        Again({"aus.openface_bin": "/opt/OpenFace/build/bin"}),
        "or name the command line of a container",
        Again({"aus.openface_bin": "docker run --rm --init -v {folder}:{folder} IMAGE {tool}"}),
    ),
    "openface-models": (
        "copy lib/local/FaceAnalyser/AU_predictors from an OpenFace checkout, then name the copy",
        Again({"aus.openface_models": "/opt/OpenFace/AU_predictors"}),
    ),
    "openface-csv": (
        "name the folder of the CSV files that OpenFace wrote",
        Again({"aus.openface_csv": "/data/openface-csv"}),
    ),
}


def mtcnn() -> list[Check]:
    """Check the weights of the MTCNN detector."""
    try:
        files = [mtcnn_weights(name) for name in ("pnet", "rnet", "onet")]
    except MissingToolError as error:
        return [Check("detector mtcnn", "missing", error.message, error.hint)]
    size = size_text(sum(file.stat().st_size for file in files))
    return [Check("detector mtcnn", "ok", f"weights of mtcnn {version_of('mtcnn')}, {size}")]


def dlib() -> list[Check]:
    """Check dlib and its model files."""
    checks = []
    if is_installed("dlib"):
        version = version_of("dlib-bin") if version_of("dlib-bin") != "?" else version_of("dlib")
        checks.append(Check("detector dlib", "ok", f"dlib {version}, HOG frontal faces"))
    else:
        checks.append(not_installed("dlib-bin", "detector dlib, and the 68 landmarks"))
    for name, file, needed in (
        ("68 landmarks", "shape_predictor_68_face_landmarks", True),
        ("detector dlib, cnn", "mmod_human_face_detector", False),
    ):
        try:
            size = size_text(dlib_model(file).stat().st_size)
            checks.append(Check(name, "ok", f"{file}.dat, {size}", needed=needed))
        except MissingToolError as error:
            checks.append(Check(name, "missing", error.message, error.hint, needed))
    return checks


def given() -> list[Check]:
    """Report the detector that reads landmarks from the dataset."""
    return [Check("detector given", "ok", "landmarks of the dataset itself", needed=False)]


def action_units(config: Config | None) -> list[Check]:
    """Check every AU backend, and name the one that ``auto`` selects."""
    # Imported here: a broken installation becomes a line of the table.
    from faceprep.faces.action_units.backend import AUTO, BACKENDS, choose

    config = resolve().config if config is None else config
    wanted = config.aus.backend
    checks = [check for name in BACKENDS for check in safely(partial(_au_backend, name, config))]
    if wanted == AUTO:
        try:
            choice = choose(config)
        except MissingToolError as error:
            return [*checks, Check(f"AUs, {AUTO}", "missing", error.message, error.hint)]
        return [*checks, Check(f"AUs, {AUTO}", "ok", choice.backend.name, needed=False)]
    return checks


def _au_backend(name: str, config: Config) -> list[Check]:
    from faceprep.faces.action_units.backend import load_backend

    check = f"AUs, {name}"
    needed = config.aus.backend == name
    reason = load_backend(name).available(config)
    if reason is None:
        return [Check(check, "ok", "can run", needed=needed)]
    hint = None if "--set" in reason else AU_BACKENDS.get(name)
    return [Check(check, "missing", reason, hint, needed)]
