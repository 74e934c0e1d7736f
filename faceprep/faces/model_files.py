"""Where the weight files lie: inside installed wheels, found without importing those packages.

`mtcnn` imports TensorFlow and `face_recognition_models` imports the removed `pkg_resources`, so
neither is imported: `importlib.util.find_spec` says where a package lies without running it.
"""

from importlib.util import find_spec
from pathlib import Path

from faceprep.core.errors import MissingToolError


def weight_file(package: str, relative: str) -> Path:
    """Path of a file inside an installed package that is not imported.

    Parameters
    ----------
    package : str
        Top-level package, e.g. ``mtcnn``. Its distribution on PyPI has the same name.
    relative : str
        Path inside the package, e.g. ``assets/weights/pnet.lz4``.

    Raises
    ------
    MissingToolError
        The package is not installed, or its wheel lacks the file. The hint is the pip command.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingToolError(
            f"the weights in the package '{package}' are needed, but it is not installed",
            hint=f"pip install {package}",
        )
    path = Path(next(iter(spec.submodule_search_locations))) / relative
    if not path.is_file():
        raise MissingToolError(
            f"the installed package '{package}' has no file {relative}",
            hint=f"pip install --force-reinstall {package}",
        )
    return path


def mtcnn_weights(network: str) -> Path:
    """Weights of one MTCNN network, ``pnet``, ``rnet`` or ``onet`` (MIT licence)."""
    return weight_file("mtcnn", f"assets/weights/{network}.lz4")


def dlib_model(name: str) -> Path:
    """One of the dlib models that ``face_recognition_models`` ships.

    The 68-point predictor was trained on iBUG 300-W, which is for non-commercial use only.
    """
    return weight_file("face_recognition_models", f"models/{name}.dat")
