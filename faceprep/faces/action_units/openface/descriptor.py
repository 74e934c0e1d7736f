"""From a photograph and 68 landmarks to the 4702 numbers that OpenFace judges Action Units by."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from faceprep.faces.action_units.openface.aligned_face import face_masks, similarities, warp
from faceprep.faces.action_units.openface.fhog import fhog
from faceprep.faces.action_units.openface.predictors import AUModels
from faceprep.faces.action_units.openface.shape_fit import fit_shapes


@dataclass(frozen=True)
class Descriptors:
    """What N faces look like.

    Attributes
    ----------
    hog : (N, 4464) float32
        Gradients of the aligned face; 0 where there is none.
    geometry : (N, 238) float64
        The shape's deviation from the mean (x of 68 points, y, z; millimetres) and its 34
        parameters; 0 where there is no fit.
    fitted : (N,) bool
        False where the landmarks allow no fit: NaN, or all in one place.
    """

    hog: np.ndarray
    geometry: np.ndarray
    fitted: np.ndarray


def describe(images: Iterable[np.ndarray], landmarks: np.ndarray, models: AUModels) -> Descriptors:
    """Describe N faces.

    Parameters
    ----------
    images
        N pictures ``(H, W, 3) uint8`` RGB. They are taken one at a time, so a generator that
        decodes them saves memory.
    landmarks : (N, 68, 2)
        Pixels of the pictures. NaN, or all in one place: the face is not `Descriptors.fitted`.
    models
        From `load_models`.
    """
    faces, geometry, fitted = align_faces(images, landmarks, models)
    return Descriptors(fhog(faces), geometry, fitted)


def align_faces(
    images: Iterable[np.ndarray], landmarks: np.ndarray, models: AUModels
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit the shape model and cut out the aligned, masked faces; parameters as in `describe`.

    Returns
    -------
    Faces ``(N, 112, 112, 3) uint8`` RGB, geometry ``(N, 238)`` and fitted ``(N,) bool`` as in
    `Descriptors`; black and 0 where there is no fit.
    """
    landmarks = np.asarray(landmarks, dtype=np.float64)
    model = models.shape_model
    fit = fit_shapes(model, landmarks)
    matrices = similarities(model, landmarks, fit.translation)
    with np.errstate(invalid="ignore"):
        turns = np.linalg.det(matrices[..., :2])
    fitted = fit.fitted & np.isfinite(matrices).all(axis=(1, 2)) & (np.abs(turns) > 0)
    faces = np.zeros((len(landmarks), 112, 112, 3), dtype=np.uint8)
    for face, image, matrix, usable in zip(faces, images, matrices, fitted, strict=True):
        if usable:
            face[:] = warp(image, matrix)
    masks = face_masks(matrices[fitted], landmarks[fitted], models.triangles)
    faces[fitted] *= masks[..., None]
    parameters = np.where(fitted[:, None], fit.parameters, 0.0)
    deviation = parameters @ model.modes.T
    return faces, np.concatenate([deviation, parameters], axis=1), fitted


def judge_stills(descriptors: Descriptors, models: AUModels) -> tuple[np.ndarray, np.ndarray]:
    """Judge every face alone, as ``FaceLandmarkImg`` does.

    Returns
    -------
    Intensities ``(N, 17) float64`` 0–5, and presences ``(N, 18) bool``, in the order of
    `INTENSITY_AUS` and `PRESENCE_AUS`; those of a face without a fit mean nothing.
    """
    scores = models.static.scores(descriptors.hog, descriptors.geometry)
    return models.static.intensities(scores), models.static.presences(scores)
