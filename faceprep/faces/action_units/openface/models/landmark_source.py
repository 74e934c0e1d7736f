"""Which 68 landmarks Action Units are judged from: `align`'s, refined ones, or a CSV file's."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.faces.action_units.backend import FaceInput


class LandmarkSource(Protocol):
    """Gives the landmarks of faces, in two steps.

    Attributes
    ----------
    name
        As in ``aus.landmarks``.
    follows
        Whether faces are to be looked for in the frames of a sequence that were not selected;
        if not, they are given.
    """

    name: str
    follows: bool

    def fingerprint(self) -> dict[str, Any]:
        """Return what decides the landmarks besides `align`, JSON-ready."""
        ...

    def given(self, faces: Sequence[FaceInput]) -> list[np.ndarray | str | None]:
        """Landmarks ``(68, 2)`` of each face in pixels of its picture, or why there are none.

        ``None``: those of `align`.
        """
        ...

    def settle(self, images: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        """Final landmarks ``(n, 68, 2)`` of faces, from those so far, which are finite.

        `images` are ``(H, W, 3) uint8`` RGB.
        """
        ...


class AlignLandmarks:
    """Those of `align`, as they are."""

    name = "align"
    follows = True

    def fingerprint(self) -> dict[str, Any]:
        """Nothing: `align` is an input of the stage."""
        return {}

    def given(self, faces: Sequence[FaceInput]) -> list[np.ndarray | str | None]:
        """None of its own."""
        return [None] * len(faces)

    def settle(self, images: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        """The same."""
        return landmarks


class RefinedLandmarks(AlignLandmarks):
    """Those of `align`, moved to where OpenFace's own detector puts them."""

    name = "refined"

    def fingerprint(self) -> dict[str, Any]:
        """Hash of the refinement's numbers."""
        from faceprep.faces.action_units.openface.models import landmarks

        return {"refinement": landmarks.digest()}

    def settle(self, images: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        """Refine them all."""
        from faceprep.faces.action_units.openface.models.landmarks import refine_many

        return refine_many(images, landmarks)


class CsvLandmarks(AlignLandmarks):
    """Those that OpenFace wrote into CSV files (``-2Dfp``), of selected frames and others."""

    name = "csv"
    follows = False

    def __init__(self, config: Config) -> None:
        from faceprep.faces.action_units.openface.csv.backend import CsvBackend
        from faceprep.faces.action_units.openface.csv.faces import CsvFaces

        backend = CsvBackend()
        if reason := backend.available(config):
            raise MissingToolError(f"aus.landmarks is csv: {reason}")
        assert config.aus.openface_csv is not None
        path = config.aus.openface_csv.expanduser().absolute()
        self._fingerprint = backend.fingerprint(config)
        self._csv = CsvFaces(path, config.dataset_root(), config.aus.input)

    def fingerprint(self) -> dict[str, Any]:
        """That of the CSV files."""
        return {"csv": self._fingerprint["files"]}

    def given(self, faces: Sequence[FaceInput]) -> list[np.ndarray | str | None]:
        """Landmarks of the rows that are these faces'."""
        found = self._csv.find_all(faces)
        return [face.landmarks_fault or face.landmarks68 for face in found]


def load_source(config: Config) -> LandmarkSource:
    """The source that ``aus.landmarks`` names.

    Raises
    ------
    MissingToolError
        CSV files are asked for, but there are none.
    """
    if config.aus.landmarks == "csv":
        return CsvLandmarks(config)
    return RefinedLandmarks() if config.aus.landmarks == "refined" else AlignLandmarks()
