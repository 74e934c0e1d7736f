"""Identity of edits, by distances between the embeddings of a face network."""

from typing import Any

import numpy as np
import torch

from faceprep.core.pixels import image_tensor

_BATCH = 32

#: Percentile of different-person distances below which two faces count as the same person.
SAME_PERSON_PERCENTILE = 5.0

#: Largest number of faces whose pairs are measured; more change little.
MOST_FACES = 2000


def embed(features: Any, images: np.ndarray) -> np.ndarray:
    """Compute the embeddings of crops.

    Parameters
    ----------
    features
        `faceprep.faces.features.FaceFeatures`, or an object with its `embed`.
    images
        ``(N, S, S, 3) uint8`` RGB.

    Returns
    -------
    ``(N, D) float64``.
    """
    buffers = features.buffers() if hasattr(features, "buffers") else iter(())
    device = next((buffer.device for buffer in buffers), torch.device("cpu"))
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), _BATCH):
            x = image_tensor(images[start : start + _BATCH], device)
            parts.append(features.embed(x).double().cpu().numpy())
    return np.concatenate(parts) if parts else np.zeros((0, 1))


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of every row of `a` to the same row of `b`, ``(N,)``."""
    return np.asarray(np.linalg.norm(a - b, axis=1))


def all_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the Euclidean distances of all rows, ``(len(a), len(b))``."""
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0))


def pair_distances(embeddings: np.ndarray, subjects: np.ndarray, same: bool) -> np.ndarray:
    """Return the sorted distances of all pairs of faces of equal or of different subjects.

    Parameters
    ----------
    embeddings : (N, D)
        Embeddings; more than `MOST_FACES` are thinned evenly.
    subjects : (N,)
        Subject of each face.
    same
        Whether to return pairs of equal subjects, or of different ones.
    """
    if len(embeddings) > MOST_FACES:
        chosen = np.linspace(0, len(embeddings) - 1, MOST_FACES).astype(int)
        embeddings, subjects = embeddings[chosen], subjects[chosen]
    first, second = np.triu_indices(len(embeddings), k=1)
    wanted = (subjects[first] == subjects[second]) == same
    return np.sort(all_distances(embeddings, embeddings)[first[wanted], second[wanted]])


def percentiles(values: np.ndarray, different: np.ndarray) -> np.ndarray:
    """Return the share of different-person distances that are smaller, 0 (best) to 100.

    Parameters
    ----------
    values : (N,)
        Distances between source and edit.
    different
        Sorted distances between different people.

    Returns
    -------
    ``(N,)``; NaN if all faces show one subject.
    """
    if not len(different):
        return np.full(len(values), np.nan)
    return 100 * np.searchsorted(different, values, side="left") / len(different)


def below_fifth(values: np.ndarray, different: np.ndarray) -> float:
    """Return the share of distances below the 5th percentile of different-person distances.

    Returns
    -------
    0 to 1; NaN without distances, or if all faces show one subject.
    """
    if not len(values) or not len(different):
        return np.nan
    return float((values < np.percentile(different, SAME_PERSON_PERCENTILE)).mean())


def rank1(
    edits: np.ndarray, edited: np.ndarray, sources: np.ndarray, subjects: np.ndarray
) -> float:
    """Return the share of edits whose nearest source shows the edited subject.

    Parameters
    ----------
    edits : (M, D)
        Embeddings of the edits.
    edited : (M,)
        Index of the source of each edit.
    sources : (N, D)
        Embeddings of all sources (the gallery), including the edit's own.
    subjects : (N,)
        Subjects of the sources.

    Returns
    -------
    0 to 1; NaN without edits, or if the gallery has one subject only.
    """
    if not len(edits) or len(np.unique(subjects)) < 2:
        return np.nan
    nearest = all_distances(edits, sources).argmin(axis=1)
    return float((subjects[nearest] == subjects[edited]).mean())
