"""Do synthetic faces come closer to the faces of the test than real training faces do?

A generator, or a second set of faces that it edits, can know people of the test under other names.
Distances are those of face features φ, by which faces of one person lie closer than of two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from faceprep.metrics.identity import all_distances

#: Pairs that are named.
NAMED = 5

_ROWS = 512


@dataclass(frozen=True, slots=True)
class Closest:
    """A synthetic face and the test face that is nearest to it."""

    synthetic: str
    test: str
    distance: float


@dataclass(frozen=True, slots=True)
class Nearness:
    """Distances to the nearest test face: smallest, 1st percentile, median."""

    faces: int
    smallest: float
    percentile: float
    median: float


@dataclass(frozen=True)
class NearDuplicates:
    """What `find_near_duplicates` found.

    Attributes
    ----------
    synthetic, training
        Nearness of the synthetic faces, and of the training people's photographs.
    suspicious
        Synthetic faces nearer to a test face than any training face is.
    by_chance
        How many would be if synthetic faces lay like training faces: one in (training + 1).
    closest
        The nearest pairs.
    features
        Which φ.
    """

    synthetic: Nearness
    training: Nearness
    suspicious: int
    by_chance: float
    closest: list[Closest] = field(default_factory=list)
    features: str = ""


@dataclass(frozen=True)
class Group:
    """Embeddings ``(N, D)`` of the faces of one fold, or of the only split; names of two of them.

    `training` are photographs of the training people; none of the three is empty.
    """

    synthetic: np.ndarray
    training: np.ndarray
    test: np.ndarray
    synthetic_names: list[str]
    test_names: list[str]


def find_near_duplicates(groups: Sequence[Group], features: str = "") -> NearDuplicates:
    """Compare each group's synthetic and training faces with its test faces.

    Parameters
    ----------
    groups
        One a fold.
    features
        Name of φ, for the report.
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
    made, photographed = np.concatenate(near), np.concatenate(own)
    return NearDuplicates(
        _nearness(made),
        _nearness(photographed),
        int((made < photographed.min()).sum()),
        len(made) / (len(photographed) + 1),
        sorted(pairs, key=lambda pair: pair.distance)[:NAMED],
        features,
    )


def _nearest(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance of every row of `a` to the nearest of `b`, and which that is."""
    distances, which = [], []
    for start in range(0, len(a), _ROWS):
        block = all_distances(a[start : start + _ROWS], b)
        which.append(block.argmin(axis=1))
        distances.append(block.min(axis=1))
    return np.concatenate(distances), np.concatenate(which)


def _nearness(distances: np.ndarray) -> Nearness:
    first, median = np.percentile(distances, [1, 50])
    return Nearness(len(distances), float(distances.min()), float(first), float(median))
