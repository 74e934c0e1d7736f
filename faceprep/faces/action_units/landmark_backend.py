"""Backend ``landmarks``: estimate Action Units from 68 points, without external models."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from faceprep.config import Config
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.face_shape import MEAN_FACE
from faceprep.faces.action_units.landmark_estimator import COEFFICIENTS, estimate


class LandmarkBackend:
    """Estimate from the geometry of 68 points, relative to a neutral frame if there is one."""

    name = "landmarks"

    def available(self, config: Config) -> str | None:
        """Return ``None``: the backend is always available."""
        return None

    def fingerprint(self, config: Config) -> dict[str, Any]:
        """Return the hash of the weights of the estimator."""
        folder = files(__package__)
        numbers = b"".join(folder.joinpath(n).read_bytes() for n in (MEAN_FACE, COEFFICIENTS))
        return {"coefficients": hashlib.sha256(numbers).hexdigest()[:16]}

    def run(self, faces: Sequence[FaceInput], config: Config, scratch: Path) -> list[AUResult]:
        """Estimate all faces at once, relative to the neutral frame if there is one."""
        if not faces:
            return []
        nothing = np.full((68, 2), np.nan)
        found = estimate(
            np.stack([face.landmarks68 for face in faces]),
            np.stack([nothing if face.neutral68 is None else face.neutral68 for face in faces]),
        )
        results = []
        for face, intensities, presences, confidence in zip(faces, *found, strict=True):
            if np.isnan(intensities).any():
                results.append(AUResult(reason="68 landmarks are missing or all in one place"))
                continue
            compared = face.neutral68 is not None and bool(np.isfinite(face.neutral68).all())
            variant = "neutral" if compared else None
            results.append(AUResult(intensities, presences, float(confidence), variant))
        return results
