"""Who trains and who tests: always whole subjects, and the same ones on every machine."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError

NO_FOLD = -1


def draw(seed: int, subject: str) -> float:
    """A number in [0, 1) that depends on the seed and the subject alone.

    Adding subjects therefore moves nobody who was there before.
    """
    key = f"{seed}/{subject}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) / 2**64


def random_split(subject: str, select: SelectConfig) -> str:
    """``test`` for about ``test_fraction`` of the subjects, ``val`` for ``val_fraction``."""
    number = draw(select.seed, subject)
    if number < select.test_fraction:
        return "test"
    return "val" if number < select.test_fraction + select.val_fraction else "train"


def folds_by_rank(subjects: Iterable[str], folds: int) -> dict[str, int]:
    """Deal subjects out in their sorted order; fold sizes differ by one subject at most."""
    return {subject: rank % folds for rank, subject in enumerate(sorted(set(subjects)))}


def folds_by_draw(subjects: Iterable[str], folds: int, seed: int) -> dict[str, int]:
    """Deal subjects out in a drawn order; fold sizes differ by one subject at most."""
    order = sorted(set(subjects), key=lambda subject: (draw(seed, subject), subject))
    return {subject: rank % folds for rank, subject in enumerate(order)}


def fill(sizes: Mapping[int, int], order: Sequence[int], frames: int) -> set[int]:
    """Take subjects in a given order until they have as many frames as wanted, never more.

    A subject that would overshoot is passed over. Where that leaves a gap at the end, the last
    subject taken that can be exchanged for one that fills it exactly is exchanged.
    """
    taken: list[int] = []
    left = frames
    passed: dict[int, int] = {}
    for subject in order:
        if sizes[subject] <= left:
            taken.append(subject)
            left -= sizes[subject]
        else:
            passed.setdefault(sizes[subject], subject)
    for k in reversed(range(len(taken))) if left else ():
        better = passed.get(sizes[taken[k]] + left)
        if better is not None:
            taken[k] = better
            break
    return set(taken)


def refuse_shared(shared: Sequence[str], what: str, hint: str) -> None:
    """Raise for subjects that are on both sides of a split.

    Raises
    ------
    UsageError
        When ``shared`` names any; the first few are in the message.
    """
    if shared:
        names = ", ".join(shared[:5]) + (f" and {len(shared) - 5} more" if len(shared) > 5 else "")
        count = f"{len(shared)} subject{'s' if len(shared) > 1 else ''}"
        raise UsageError(f"{what} puts {count} into more than one part: {names}", hint)
