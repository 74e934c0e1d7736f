"""Compare the distance of synthetic faces to the test faces with that of real training faces.

A generator, or another dataset that it edits, can contain test subjects under other names.
Distances of face features φ are smaller within one person than between two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from faceprep.metrics.identity import all_distances

#: Number of nearest pairs reported.
NAMED = 5

_ROWS = 512


@dataclass(frozen=True, slots=True)
class Closest:
    """A synthetic face and its nearest test face."""

    synthetic: str
    test: str
    distance: float


@dataclass(frozen=True, slots=True)
class Nearness:
    """Distances of faces to their nearest test face: smallest, 1st percentile, median."""

    faces: int
    smallest: float
    percentile: float
    median: float


@dataclass(frozen=True)
class NearDuplicates:
    """Result of `find_near_duplicates`."""

    #: Distances of the synthetic faces, and of the photographs of the training subjects.
    synthetic: Nearness
    training: Nearness
    suspicious: int  # synthetic faces nearer to a test face than any training face is
    #: Expected number if synthetic faces were distributed like training faces:
    #: one in (training + 1).
    by_chance: float
    closest: list[Closest] = field(default_factory=list)
    features: str = ""  # name of φ


@dataclass(frozen=True)
class Group:
    """Embeddings ``(N, D)``, not empty, of the faces of one fold, or of the only split.

    `training` are photographs of the training subjects.
    """

    synthetic: np.ndarray
    training: np.ndarray
    test: np.ndarray
    synthetic_names: list[str]
    test_names: list[str]


def find_near_duplicates(groups: Sequence[Group], features: str = "") -> NearDuplicates:
    """Compare each group's synthetic and training faces with its test faces.

    There is one group per fold; `features` is the name of φ, for reports.
    """
    near, own, pairs = [], [], []
    for group in groups:
        distances, which = _nearest(group.synthetic, group.test)
        near.append(distances)
        own.append(_nearest(group.training, group.test)[0])
        pairs += [
            Closest(group.synthetic_names[i], group.test_names[which[i]], float(distances[i]))
            for i in np.argsort(distances, kind="stable")[:NAMED]
        ]
    synthetic, training = np.concatenate(near), np.concatenate(own)
    return NearDuplicates(
        _nearness(synthetic),
        _nearness(training),
        int((synthetic < training.min()).sum()),
        len(synthetic) / (len(training) + 1),
        sorted(pairs, key=lambda pair: pair.distance)[:NAMED],
        features,
    )


def _nearest(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance of every row of `a` to the nearest row of `b`, and its index."""
    distances, which = [], []
    for start in range(0, len(a), _ROWS):
        block = all_distances(a[start : start + _ROWS], b)
        which.append(block.argmin(axis=1))
        distances.append(block.min(axis=1))
    return np.concatenate(distances), np.concatenate(which)


def _nearness(distances: np.ndarray) -> Nearness:
    first, median = np.percentile(distances, [1, 50])
    return Nearness(len(distances), float(distances.min()), float(first), float(median))
