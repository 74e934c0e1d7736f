"""Find weight files inside installed wheels, without importing these packages.

`mtcnn` imports TensorFlow and `face_recognition_models` imports the removed `pkg_resources`, so
`importlib.util.find_spec` is used to find their folders.
"""

from importlib.util import find_spec
from pathlib import Path

from faceprep.core.errors import MissingToolError, Shell


def pip_install(package: str, again: bool = False) -> Shell:
    """Return the command that installs a package, or replaces its files."""
    return Shell(("pip", "install", *(["--force-reinstall"] if again else []), package))


def weight_file(package: str, relative: str) -> Path:
    """Return the path of a file in an installed package, named as its distribution on PyPI.

    Raises
    ------
    MissingToolError
        If the package is not installed or does not contain the file.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingToolError(
            f"the weights in the package '{package}' are needed, but it is not installed",
            hint=pip_install(package),
        )
    path = Path(next(iter(spec.submodule_search_locations))) / relative
    if not path.is_file():
        raise MissingToolError(
            f"the installed package '{package}' has no file {relative}",
            hint=pip_install(package, again=True),
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
