"""The face detectors by name: one entry each in `DETECTORS`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from faceprep.config import AlignConfig
from faceprep.faces.finder import AnnotationFinder, Detector, DetectorFinder, Finder
from faceprep.faces.model_files import dlib_model, mtcnn_weights

#: Settings of ``[align]`` that only detectors read, and not annotations.
_DETECTED = ("choose", "min_confidence", "turns")


@dataclass(frozen=True)
class DetectorSpec:
    """Describe a detector to the rest of the package."""

    # ``load(config, device)`` → the `Finder`; it is called once in each process
    load: Callable[[AlignConfig, str], Finder]
    #: Settings of ``[align]`` that it reads and some other detectors do not.
    settings: tuple[str, ...] = ()
    # ``check(config)`` raises MissingToolError if a file that it needs is missing
    check: Callable[[AlignConfig], Any] = lambda config: None
    # confidence below which a face may be the wrong way up; upright faces are mostly above it
    sure: float = 0.0
    # confidence below which a face may be upside down
    surer: float = 0.0
    # ``load_quick(config, device)`` → a `Finder` of faces that fill half of a small image
    load_quick: Callable[[AlignConfig, str], Finder] | None = None
    # whether it runs on the device that the user chooses; others run on the CPU
    uses_gpu: bool = False


def load_finder(config: AlignConfig, device: str) -> Finder:
    """Load the source of faces that the configuration names."""
    return DETECTORS[config.detector].load(config, device)


def hashed_settings(config: AlignConfig) -> dict[str, Any]:
    """Return the settings of ``[align]``, except those that only other detectors read."""
    own = DETECTORS[config.detector].settings
    others = {name for spec in DETECTORS.values() for name in spec.settings if name not in own}
    read = {name: value for name, value in config.settings().items() if name not in others}
    return {**read, "search": _search(config)} if "search" in read else read


def _search(config: AlignConfig) -> str:
    """Return the search of MTCNN: all sizes for ``central``, as that face may be a small one."""
    return "full" if config.choose == "central" else config.search


@cache
def _mtcnn(device: str, min_face_size: int, search: Any) -> Detector:
    from faceprep.faces.mtcnn.detector import MTCNN

    return MTCNN(device=device, min_face_size=min_face_size, search=search)


@cache
def _dlib(model: str, second_look: bool = True) -> Detector:
    from faceprep.faces.dlib.detector import DlibCNN, DlibHOG

    return DlibCNN() if model == "cnn" else DlibHOG(second_look=second_look)


def _check_mtcnn(config: AlignConfig) -> None:
    for network in ("pnet", "rnet", "onet"):
        mtcnn_weights(network)


def _check_dlib(config: AlignConfig) -> None:
    if config.dlib_model == "cnn":
        dlib_model("mmod_human_face_detector")


DETECTORS = {
    "mtcnn": DetectorSpec(
        lambda config, device: DetectorFinder(
            _mtcnn(device, config.min_face_size, _search(config))
        ),
        settings=("search", "min_face_size", *_DETECTED),
        check=_check_mtcnn,
        sure=0.98,
        surer=0.98,
        load_quick=lambda config, device: DetectorFinder(_mtcnn(device, 50, "large-first")),
        uses_gpu=True,
    ),
    "dlib": DetectorSpec(
        lambda config, device: DetectorFinder(_dlib(config.dlib_model)),
        settings=("dlib_model", *_DETECTED),
        check=_check_dlib,
        sure=0.3,
        surer=0.6,
        load_quick=lambda config, device: DetectorFinder(_dlib(config.dlib_model, False)),
    ),
    "given": DetectorSpec(lambda config, device: AnnotationFinder()),
}
