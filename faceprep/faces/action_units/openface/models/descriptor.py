"""Compute the descriptor of OpenFace, 4702 numbers, from a photograph and 68 landmarks."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from faceprep.faces.action_units.openface.models.aligned_face import (
    SIDE,
    face_masks,
    similarities,
    warp,
)
from faceprep.faces.action_units.openface.models.au_models import AUModels
from faceprep.faces.action_units.openface.models.fhog import fhog
from faceprep.faces.action_units.openface.models.shape_fit import fit_shapes
from faceprep.faces.action_units.openface.models.shape_model import POINTS

# Larger batches of masks take more memory and are not faster.
_BATCH_SIZE = 16


@dataclass(frozen=True)
class Descriptors:
    """Hold the descriptors of N faces."""

    hog: np.ndarray  # (N, 4464) float32: gradient histograms of the aligned face; 0 without a fit
    # (N, 238) float64: deviation of the shape from the mean (x of 68 points, y, z; millimetres) and
    # its 34 parameters; 0 without a fit
    geometry: np.ndarray
    fitted: np.ndarray  # (N,) bool: False if the landmarks are NaN or all coincide


def describe(
    images: Iterable[np.ndarray], landmarks: np.ndarray, models: AUModels, device: str = "cpu"
) -> Descriptors:
    """Describe N faces, with landmarks ``(N, 68, 2)`` in pixels of their images.

    The images ``(H, W, 3) uint8`` RGB are read one at a time, so a generator that decodes them
    saves memory. `device` is that of the gradient histograms: ``"cpu"``, or a device of torch.
    """
    faces, geometry, fitted = align_faces(images, landmarks, models)
    return Descriptors(fhog(faces, device), geometry, fitted)


def align_faces(
    images: Iterable[np.ndarray], landmarks: np.ndarray, models: AUModels
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit the shape model and extract the aligned, masked faces; parameters as in `describe`.

    Returns
    -------
    Faces ``(N, 112, 112, 3) uint8`` RGB, geometry ``(N, 238)`` and fitted ``(N,) bool`` as in
    `Descriptors`; black and 0 without a fit.
    """
    landmarks = np.asarray(landmarks, dtype=np.float64).reshape(-1, POINTS, 2)
    fit = fit_shapes(models.shape_model, landmarks)
    matrices = similarities(models.shape_model, landmarks, fit.translation)
    fitted = fit.fitted & np.isfinite(matrices).all(axis=(1, 2))
    faces = np.zeros((len(landmarks), SIDE, SIDE, 3), dtype=np.uint8)
    for row, image in zip(range(len(faces)), images, strict=True):
        if fitted[row]:
            faces[row] = warp(image, matrices[row])
    rows = np.flatnonzero(fitted)
    for start in range(0, len(rows), _BATCH_SIZE):
        some = rows[start : start + _BATCH_SIZE]
        masks = face_masks(matrices[some], landmarks[some], models.triangles)
        faces[some] *= masks[..., None]
    parameters = np.where(fitted[:, None], fit.parameters, 0.0)
    deviation = parameters @ models.shape_model.modes.T
    return faces, np.concatenate([deviation, parameters], axis=1), fitted


def predict_stills(descriptors: Descriptors, models: AUModels) -> tuple[np.ndarray, np.ndarray]:
    """Estimate the AUs of each face from one image, as ``FaceLandmarkImg`` does.

    Returns
    -------
    Intensities ``(N, 17) float64`` 0–5, and presences ``(N, 18) bool``, in the order of
    `INTENSITY_AUS` and `PRESENCE_AUS`; not meaningful for faces without a fit.
    """
    scores = models.static.scores(descriptors.hog, descriptors.geometry)
    return models.static.intensities(scores), models.static.presences(scores)
