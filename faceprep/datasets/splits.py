"""Assign whole subjects to the parts of a split and to folds, identically on every machine."""

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from faceprep.config import SelectConfig
from faceprep.core.errors import Hint, UsageError
from faceprep.datasets.report import Report

NO_FOLD = -1


def draw(seed: int, subject: str) -> float:
    """Return a number in [0, 1) that depends only on the seed and the subject.

    Additional subjects therefore do not change the assignment of the others.
    """
    key = f"{seed}/{subject}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) / 2**64


def random_split(subject: str, select: SelectConfig) -> str:
    """Assign about ``test_fraction`` of the subjects to test and ``val_fraction`` to val."""
    number = draw(select.seed, subject)
    if number < select.test_fraction:
        return "test"
    return "val" if number < select.test_fraction + select.val_fraction else "train"


def random_splits(subjects: Iterable[str], select: SelectConfig) -> dict[str, str]:
    """Assign all subjects by `random_split`, unless the draw is far from the fractions.

    Of few subjects, the draw may put four of five into the test part, or nobody. If a part has less
    than half or more than twice its share, or nobody, the subjects are dealt in the order of their
    draws, so that the shares are met as closely as possible. Training has precedence over test, and
    test over val.
    """
    parts = {subject: random_split(subject, select) for subject in dict.fromkeys(subjects)}
    drawn = Counter(parts.values())
    shares = {"test": select.test_fraction * len(parts), "val": select.val_fraction * len(parts)}
    if drawn["train"] and all(
        drawn[part] >= max(math.floor(share / 2), share > 0)
        and drawn[part] <= max(math.ceil(share * 2), 1)
        for part, share in shares.items()
    ):
        return parts
    left = max(len(parts) - 1, 0)  # one of them trains
    sizes = {}
    for part, share in shares.items():
        sizes[part] = min(int(share > 0), left)
        left -= sizes[part]
    for part, share in shares.items():
        more = min(max(round(share) - sizes[part], 0), left)
        sizes[part] += more
        left -= more
    order = sorted(parts, key=lambda subject: (draw(select.seed, subject), subject))
    names = ["test"] * sizes["test"] + ["val"] * sizes["val"]
    return dict(itertools.zip_longest(order, names, fillvalue="train"))


def folds_by_rank(subjects: Iterable[str], folds: int) -> dict[str, int]:
    """Assign subjects to folds in sorted order; fold sizes differ by at most one subject."""
    return {subject: rank % folds for rank, subject in enumerate(sorted(set(subjects)))}


def folds_by_draw(subjects: Iterable[str], folds: int, seed: int) -> dict[str, int]:
    """Assign subjects to folds in random order; fold sizes differ by at most one subject."""
    order = sorted(set(subjects), key=lambda subject: (draw(seed, subject), subject))
    return {subject: rank % folds for rank, subject in enumerate(order)}


def fill(sizes: Mapping[int, int], order: Sequence[int], frames: int) -> set[int]:
    """Choose subjects in a given order until they have the desired number of frames, never more.

    A subject that would exceed the number is skipped. If frames are still missing at the end, the
    last chosen subject that can be exchanged for a skipped one with exactly the missing number of
    additional frames is exchanged.

    Parameters
    ----------
    sizes
        Subject → number of frames.
    order
        Subjects in order of preference.
    frames
        Desired number of frames.
    """
    chosen: list[int] = []
    missing = frames
    skipped: dict[int, int] = {}
    for subject in order:
        if sizes[subject] <= missing:
            chosen.append(subject)
            missing -= sizes[subject]
        else:
            skipped.setdefault(sizes[subject], subject)
    for k in reversed(range(len(chosen))) if missing else ():
        better = skipped.get(sizes[chosen[k]] + missing)
        if better is not None:
            chosen[k] = better
            break
    return set(chosen)


def refuse_shared(shared: Sequence[str], what: str, hint: Hint) -> None:
    """Raise an error if subjects are in more than one part of a split.

    Raises
    ------
    UsageError
        If ``shared`` is not empty; the message names the first few.
    """
    if shared:
        names = ", ".join(shared[:5]) + (f" and {len(shared) - 5} more" if len(shared) > 5 else "")
        count = f"{len(shared)} subject{'s' if len(shared) > 1 else ''}"
        raise UsageError(f"{what} puts {count} into more than one part: {names}", hint)


def note_random_split(report: Report, select: SelectConfig, why: str) -> None:
    """Note that subjects are drawn at random if the dataset has no split of its own."""
    if select.split == "180k-20k":
        report.note("180k-20k is a split of CelebA; here subjects are drawn at random")
    elif select.split == "official":
        report.note(
            f"{why}: {select.test_fraction:.0%} of the subjects are drawn at random for testing"
        )


def note_given_split(report: Report, select: SelectConfig, *more: str) -> None:
    """Note settings of a random split if the dataset has a split of its own, which is used.

    `more`: further settings of ``[select]`` that only a random split reads.
    """
    usual = SelectConfig()
    names = ("test_fraction", "val_fraction", *more)
    given = [f"select.{name}" for name in names if getattr(select, name) != getattr(usual, name)]
    if given:
        report.note(
            f"the dataset's own split is used, not {' and '.join(given)}: select.split=random draws"
        )
