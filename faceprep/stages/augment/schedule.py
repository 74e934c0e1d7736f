"""Schedule synthetic faces: each face is a function of the seed and of its index.

Faces come in rounds of one face per expression, so that every prefix is balanced and a longer run
begins with the faces of a shorter one. A round has one mode; whole rounds approximate the shares of
the modes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from faceprep.core.vocabulary import MODES

# Random streams of a face and of the order of the sources.
_FACE, _ORDER = 1, 2

#: Smallest element of a code in `varied`, relative to its intensity, as in training.
_LEAST_ELEMENT = 0.7


@dataclass(frozen=True, slots=True)
class Slot:
    """Position of a synthetic face in the schedule."""

    index: int  # 0-based
    label: int  # index of its expression
    mode: str  # one of `MODES`
    turn: int  # number of earlier rounds of its mode


class Schedule:
    """Slots of a run.

    `classes`: number of expressions.
    `shares`: mode → share; their sum is 1.
    """

    def __init__(self, classes: int, shares: Mapping[str, float]) -> None:
        self.classes = classes
        self._shares = dict(shares)
        self._rounds: list[tuple[str, int]] = []
        self._counts = dict.fromkeys(shares, 0)

    def slots(self, first: int, count: int) -> list[Slot]:
        """Return `count` slots from index `first` on."""
        found = []
        for index in range(first, first + count):
            number, label = divmod(index, self.classes)
            mode, turn = self._round(number)
            found.append(Slot(index, label, mode, turn))
        return found

    def _round(self, number: int) -> tuple[str, int]:
        """Return the mode furthest below its share, and its turn."""
        while len(self._rounds) <= number:
            due = len(self._rounds) + 1
            mode = max(self._shares, key=lambda name: self._shares[name] * due - self._counts[name])
            self._rounds.append((mode, self._counts[mode]))
            self._counts[mode] += 1
        return self._rounds[number]


@dataclass(frozen=True, slots=True)
class Draw:
    """Random numbers of a candidate for a slot."""

    intensity: float  # requested, in [0, 1]
    elements: np.ndarray  # ``(d,)``; U(0, 1), for an expression code
    identity: np.ndarray  # ``(G,)``; U(-1, 1), for a new face
    pick: float  # U(0, 1) that chooses the source
    donor: float = 0.0  # U(0, 1) that chooses the reference face


def draw(
    seed: int,
    index: int,
    candidate: int,
    elements: int,
    identity: int,
    intensity: tuple[float, float],
) -> Draw:
    """Draw a candidate; the same arguments give the same numbers, in any process.

    `elements` and `identity` are the lengths d and G, 0 for generators without them.
    """
    random = np.random.default_rng([_FACE, seed, index, candidate])
    numbers = random.random(2 + elements + identity)
    low, high = intensity
    return Draw(
        intensity=float(low + (high - low) * numbers[0]),
        pick=float(numbers[1]),
        elements=numbers[2 : 2 + elements],
        identity=numbers[2 + elements :] * 2 - 1,
        donor=float(random.random()),
    )


def magnitudes(
    drawn: Draw, intensity: float, kind: Literal["varied", "equal", "paper"]
) -> tuple[np.ndarray, float]:
    """Return the elements ``(d,)`` of a code's active class, and the intensity to record.

    `intensity`: input of the generator in [0, 1].
    `kind`: ``augment.code``. ``paper``: |U(-1, 1)| each (Ding et al., 2018, section 3.1), and their
        mean is recorded. Not used without a code (d = 0).
    """
    if kind == "paper" and len(drawn.elements):
        return drawn.elements, float(drawn.elements.mean())
    share = _LEAST_ELEMENT + (1 - _LEAST_ELEMENT) * drawn.elements
    return intensity * (share if kind == "varied" else np.ones_like(share)), drawn.intensity


class SourceOrder:
    """Order of the sources: one face of every subject before a second face of any.

    `seed`, `mode`: seed of the run, and mode of the sources.
    `expressions`, `subjects` ``(N,)``: expression (``""`` if unlabelled) and subject of each
        source.
    `classes`: expressions by index. A source is edited to expressions other than its own.
    """

    def __init__(
        self,
        seed: int,
        mode: str,
        expressions: np.ndarray,
        subjects: np.ndarray,
        classes: Sequence[str],
    ) -> None:
        self._key = [_ORDER, seed, MODES.index(mode)]
        self._people = np.unique(subjects, return_inverse=True)[1]
        self._eligible = [np.flatnonzero(expressions != name) for name in classes]
        self._orders: dict[int, tuple[int, Any]] = {}

    def missing(self) -> list[int]:
        """Return the indices of the expressions that no source can be edited to."""
        return [label for label, rows in enumerate(self._eligible) if not len(rows)]

    def source(self, slot: Slot, candidate: int, pick: float) -> int:
        """Return the source row of a candidate: in order for the first candidate, else random."""
        rows = self._eligible[slot.label]
        if candidate:
            return int(rows[int(pick * len(rows))])
        epoch, place = divmod(slot.turn, len(rows))
        known = self._orders.get(slot.label)
        if known is None or known[0] != epoch:
            known = (epoch, self._order(slot.label, epoch))
            self._orders[slot.label] = known
        return int(known[1][place])

    def _order(self, label: int, epoch: int) -> np.ndarray:
        rows = np.random.default_rng([*self._key, label, epoch]).permutation(self._eligible[label])
        people = self._people[rows]
        grouped = np.argsort(people, kind="stable")
        counts = np.bincount(people)
        starts = np.cumsum(counts) - counts
        turn = np.empty(len(rows), np.int64)
        turn[grouped] = np.arange(len(rows)) - starts[people[grouped]]
        return np.asarray(rows[np.argsort(turn, kind="stable")])
