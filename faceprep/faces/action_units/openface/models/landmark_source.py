"""Provide the 68 landmarks for Action Units: from `align`, refined, or from CSV files."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.faces.action_units.backend import FaceInput
from faceprep.faces.action_units.openface.csv.backend import CsvBackend, CsvFaces
from faceprep.faces.action_units.openface.models.landmark_network import network_digest
from faceprep.faces.action_units.openface.models.landmarks import refine_many


class LandmarkSource(Protocol):
    """Provide the landmarks of faces in two steps."""

    name: str  # name in ``aus.landmarks``
    # Whether faces must be tracked in the frames that were not selected. If not, `given` provides
    # their landmarks.
    tracks: bool

    def fingerprint(self) -> dict[str, Any]:
        """Return the inputs that affect the landmarks besides `align`, as JSON values."""
        ...

    def given(self, faces: Sequence[FaceInput]) -> list[np.ndarray | str | None]:
        """Return landmarks ``(68, 2)`` of each face in image pixels, or the reason of a failure.

        ``None`` means the landmarks of `align`.
        """
        ...

    def finalize(self, images: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        """Return the final landmarks ``(n, 68, 2)`` of faces from finite preliminary ones.

        `images` are ``(H, W, 3) uint8`` RGB.
        """
        ...


class AlignLandmarks:
    """Use the landmarks of `align` unchanged."""

    name = "align"
    tracks = True

    def fingerprint(self) -> dict[str, Any]:
        """Return nothing: `align` is an input of the stage."""
        return {}

    def given(self, faces: Sequence[FaceInput]) -> list[np.ndarray | str | None]:
        """Return ``None`` for each face."""
        return [None] * len(faces)

    def finalize(self, images: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        """Return the landmarks unchanged."""
        return landmarks


class RefinedLandmarks(AlignLandmarks):
    """Move the landmarks of `align` to where the detector of OpenFace places them."""

    name = "refined"

    def fingerprint(self) -> dict[str, Any]:
        """Return the hash of the refinement network."""
        return {"refinement": network_digest()}

    def finalize(self, images: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        """Refine the landmarks of all faces."""
        return refine_many(images, landmarks)


class CsvLandmarks(AlignLandmarks):
    """Read the landmarks that OpenFace wrote into CSV files (``-2Dfp``), for all frames."""

    name = "csv"
    tracks = False

    def __init__(self, config: Config) -> None:
        backend = CsvBackend()
        if reason := backend.available(config):
            raise MissingToolError(f"aus.landmarks is csv: {reason}")
        assert config.aus.openface_csv is not None
        path = config.aus.openface_csv.expanduser().absolute()
        self._fingerprint = backend.fingerprint(config)
        self._csv = CsvFaces(path, config.dataset_root(), config.aus.input)

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of the CSV files."""
        return {"csv": self._fingerprint["files"]}

    def given(self, faces: Sequence[FaceInput]) -> list[np.ndarray | str | None]:
        """Return the landmarks in the rows of these faces."""
        found = self._csv.find_all(faces)
        return [face.landmarks_fault or face.landmarks68 for face in found]


def load_source(config: Config) -> LandmarkSource:
    """Return the source that ``aus.landmarks`` names.

    Raises MissingToolError if CSV files are requested, but there are none.
    """
    if config.aus.landmarks == "csv":
        return CsvLandmarks(config)
    return RefinedLandmarks() if config.aus.landmarks == "refined" else AlignLandmarks()
