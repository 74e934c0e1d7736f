"""Identity of edits and diversity of new faces, by distances between face embeddings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from faceprep.core.pixels import image_tensor

_BATCH = 32

#: Percentile of different-person distances below which two faces count as the same person.
SAME_PERSON_PERCENTILE = 5.0

#: Largest number of faces whose pairs are measured; more change little.
MOST_FACES = 2000


def embed(features: Any, images: np.ndarray) -> np.ndarray:
    """Compute the embeddings of crops ``(N, S, S, 3) uint8``, ``(N, D) float64``.

    `features` is `faceprep.faces.features.FaceFeatures`, or an object with its `embed`.
    """
    buffers = features.buffers() if hasattr(features, "buffers") else iter(())
    device = next((buffer.device for buffer in buffers), torch.device("cpu"))
    return in_batches(lambda x, _: features.embed(x), images, device, _BATCH, 1)


@torch.no_grad()
def in_batches(
    encode: Callable[[Tensor, slice], Tensor],
    images: np.ndarray,
    device: torch.device | str,
    batch: int,
    width: int,
) -> np.ndarray:
    """Encode crops ``(N, S, S, 3) uint8`` to ``(N, width) float64``.

    `encode` gets the images of each batch and their rows.
    """
    parts = [np.zeros((0, width))]
    for start in range(0, len(images), batch):
        rows = slice(start, start + batch)
        parts.append(encode(image_tensor(images[rows], device), rows).double().cpu().numpy())
    return np.concatenate(parts[1:] or parts)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of every row of `a` to the same row of `b`, ``(N,)``."""
    return np.asarray(np.linalg.norm(a - b, axis=1))


def all_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the Euclidean distances of all rows, ``(len(a), len(b))``."""
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0))


def pair_distances(embeddings: np.ndarray, subjects: np.ndarray, same: bool) -> np.ndarray:
    """Return the sorted distances of all pairs of faces of equal or of different subjects.

    More than `MOST_FACES` of the embeddings ``(N, D)`` are thinned evenly.
    """
    if len(embeddings) > MOST_FACES:
        chosen = np.linspace(0, len(embeddings) - 1, MOST_FACES).astype(int)
        embeddings, subjects = embeddings[chosen], subjects[chosen]
    first, second = np.triu_indices(len(embeddings), k=1)
    wanted = (subjects[first] == subjects[second]) == same
    return np.sort(all_distances(embeddings, embeddings)[first[wanted], second[wanted]])


def percentiles(values: np.ndarray, different: np.ndarray) -> np.ndarray:
    """Return the share of different-person distances that are smaller, 0 (best) to 100.

    `values` are ``(N,)`` distances between source and edit, `different` sorted distances between
    different people; NaN without the latter.
    """
    if not len(different):
        return np.full(len(values), np.nan)
    return 100 * np.searchsorted(different, values, side="left") / len(different)


def below_fifth(values: np.ndarray, different: np.ndarray) -> float:
    """Return the share of distances below the 5th percentile of different-person distances, 0 to 1.

    NaN without distances, or if all faces show one subject.
    """
    if not len(values) or not len(different):
        return np.nan
    return float((values < np.percentile(different, SAME_PERSON_PERCENTILE)).mean())


def rank1(
    edits: np.ndarray, edited: np.ndarray, sources: np.ndarray, subjects: np.ndarray
) -> float:
    """Return the share of edits whose nearest source shows the edited subject, 0 to 1.

    Parameters
    ----------
    edits : (M, D)
        Embeddings of the edits.
    edited : (M,)
        Index of the source of each edit.
    sources : (N, D)
        Embeddings of all sources (the gallery), including the edit's own.
    subjects : (N,)
        Subjects of the sources; with one only, the share is NaN, as without edits.
    """
    if not len(edits) or len(np.unique(subjects)) < 2:
        return np.nan
    nearest = all_distances(edits, sources).argmin(axis=1)
    return float((subjects[nearest] == subjects[edited]).mean())


@dataclass(frozen=True, slots=True)
class Diversity:
    """Spread of `made` new faces of one expression.

    `spread` is the mean distance between their embeddings, `real` that between different real
    people who show the expression.
    """

    expression: str
    made: int
    spread: float
    real: float

    @property
    def share(self) -> float:
        """Spread relative to real people: 0 means a single face, 1 as much as real people."""
        return self.spread / self.real if self.real > 0 else np.nan


def spread(embeddings: np.ndarray) -> float:
    """Return the mean distance of all pairs of ``(N, D)`` embeddings; NaN for fewer than two."""
    if len(embeddings) < 2:
        return np.nan
    first, second = np.triu_indices(len(embeddings), k=1)
    return float(all_distances(embeddings, embeddings)[first, second].mean())


def real_spread(embeddings: np.ndarray, subjects: np.ndarray) -> float:
    """Return the mean distance of all pairs of different people; NaN without pairs."""
    distances = pair_distances(embeddings, subjects, same=False)
    return float(distances.mean()) if len(distances) else np.nan
