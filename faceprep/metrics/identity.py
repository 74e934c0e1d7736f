"""Whether an edit still shows the same person, by the distances of a face network's embeddings."""

from typing import Any

import numpy as np
import torch

from faceprep.core.pixels import image_tensor

_BATCH = 32

#: Share of different-person distances below which two faces count as clearly the same person.
SAME_PERSON_PERCENTILE = 5.0

#: Most faces whose pairs are measured; more would add nothing but time.
MOST_FACES = 2000


def embed(features: Any, images: np.ndarray) -> np.ndarray:
    """Embeddings of crops.

    Parameters
    ----------
    features
        `faceprep.faces.features.FaceFeatures`, or anything with its `embed`.
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
    """Euclidean distance of every row of `a` to the same row of `b`, ``(N,)``."""
    return np.asarray(np.linalg.norm(a - b, axis=1))


def all_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances of all rows, ``(len(a), len(b))``."""
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0))


def pair_distances(embeddings: np.ndarray, subjects: np.ndarray, same: bool) -> np.ndarray:
    """Sorted distances of all pairs of different faces of one person, or of two.

    Parameters
    ----------
    embeddings : (N, D)
        Of at most `MOST_FACES` faces; of more, that many evenly spread ones are taken.
    subjects : (N,)
        Whose.
    same
        Pairs of one person; else of two.
    """
    if len(embeddings) > MOST_FACES:
        chosen = np.linspace(0, len(embeddings) - 1, MOST_FACES).astype(int)
        embeddings, subjects = embeddings[chosen], subjects[chosen]
    first, second = np.triu_indices(len(embeddings), k=1)
    wanted = (subjects[first] == subjects[second]) == same
    return np.sort(all_distances(embeddings, embeddings)[first[wanted], second[wanted]])


def percentiles(values: np.ndarray, different: np.ndarray) -> np.ndarray:
    """Share of the different-person distances that are smaller, 0 (best) to 100.

    Parameters
    ----------
    values : (N,)
        Distances between source and edit.
    different
        Sorted distances between different people.

    Returns
    -------
    ``(N,)``; NaN where there are no two people.
    """
    if not len(different):
        return np.full(len(values), np.nan)
    return 100 * np.searchsorted(different, values, side="left") / len(different)


def below_fifth(values: np.ndarray, different: np.ndarray) -> float:
    """Share of the distances under the 5th percentile of the different-person distances, 0 to 1.

    NaN of nothing, or where there are no two people.
    """
    if not len(values) or not len(different):
        return np.nan
    return float((values < np.percentile(different, SAME_PERSON_PERCENTILE)).mean())


def rank1(
    edits: np.ndarray, edited: np.ndarray, sources: np.ndarray, subjects: np.ndarray
) -> float:
    """Share of edits whose nearest source shows the person that was edited, 0 to 1.

    Parameters
    ----------
    edits : (M, D)
        Embeddings of the edits.
    edited : (M,)
        Index of each one's source.
    sources : (N, D)
        Embeddings of all sources, the gallery; an edit's own source is among them.
    subjects : (N,)
        Who they are.

    Returns
    -------
    NaN of nothing, or where the gallery holds one person only.
    """
    if not len(edits) or len(np.unique(subjects)) < 2:
        return np.nan
    nearest = all_distances(edits, sources).argmin(axis=1)
    return float((subjects[nearest] == subjects[edited]).mean())
