"""Split CelebA: by its official partition, into 180 000 and 20 000 images, or at random."""

from collections import Counter

import numpy as np

from faceprep.config import SelectConfig
from faceprep.core.errors import Again
from faceprep.core.vocabulary import SPLITS
from faceprep.datasets.celeba.lists import AnnotationList
from faceprep.datasets.report import Report
from faceprep.datasets.splits import draw, fill, random_splits, refuse_shared

#: Codes of images that belong to no part; other codes are indices into `SPLITS`.
UNLISTED, SURPLUS = -1, -2

#: Last image of the official training set, validation set and test set.
OFFICIAL_ENDS = (162_770, 182_637, 202_599)
#: Images of the training and the test set of ``180k-20k``.
TRAIN_IMAGES, TEST_IMAGES = 180_000, 20_000

_TRAIN, _VAL, _TEST = range(len(SPLITS))


def split_codes(
    numbers: np.ndarray,
    subjects: np.ndarray,
    partition: AnnotationList | None,
    select: SelectConfig,
    report: Report,
) -> np.ndarray:
    """Return the part of each image.

    Parameters
    ----------
    numbers, subjects
        ``(n,)`` image numbers and identities (negative: unknown, one image).
    partition
        Official list, if available.
    select
        ``split`` is the method; ``seed`` and the fractions apply to random draws.
    report
        Receives notes for the user.

    Returns
    -------
    ``(n,) int8``: 0 train, 1 val, 2 test, `UNLISTED` or `SURPLUS`.

    Raises
    ------
    UsageError
        If the official partition has a subject in two parts.
    """
    if select.split == "official":
        codes = _official(numbers, partition, report)
        _refuse_shared(subjects, codes)
        return codes
    names, index = np.unique(subjects, return_inverse=True)
    if select.split == "180k-20k":
        return _by_size(names, index, select.seed, report)[index]
    drawn = random_splits(map(str, names.tolist()), select)
    parts = [SPLITS.index(drawn[str(name)]) for name in names.tolist()]
    return np.array(parts, dtype=np.int8)[index]


def _official(numbers: np.ndarray, partition: AnnotationList | None, report: Report) -> np.ndarray:
    if partition is None:
        report.note(
            "no list_eval_partition.txt: split by image number as in the official one "
            f"(train to {OFFICIAL_ENDS[0]}, val to {OFFICIAL_ENDS[1]}, then test)"
        )
        codes = np.searchsorted(OFFICIAL_ENDS, numbers)
        return np.where(codes <= _TEST, codes, UNLISTED).astype(np.int8)
    values, known = partition.rows(numbers)
    codes = values[:, 0]
    absent = len(np.setdiff1d(partition.numbers, numbers, assume_unique=True))
    if absent:
        report.note(f"{absent} images of the partition list are not in the folder")
    return np.where(known & (codes >= _TRAIN) & (codes <= _TEST), codes, UNLISTED).astype(np.int8)


def _by_size(names: np.ndarray, index: np.ndarray, seed: int, report: Report) -> np.ndarray:
    """Draw subjects until 20 000 images are in test and 180 000 in train; the rest is surplus.

    The AdaIN paper samples images. Here whole subjects are drawn, so that no subject is on both
    sides.
    """
    total = len(index)
    train, test = TRAIN_IMAGES, TEST_IMAGES
    if total < train + test:
        test = round(total * TEST_IMAGES / (TRAIN_IMAGES + TEST_IMAGES))
        train = total
        report.note(f"180k-20k of {total} images: about {test} of them test, all others train")
    sizes = Counter(index.tolist())
    draws = [draw(seed, str(name)) for name in names.tolist()]
    order = np.argsort(draws, kind="stable").tolist()
    tested = fill(sizes, order, test)
    trained = fill(sizes, [k for k in order if k not in tested], train)
    codes = np.full(len(names), SURPLUS, dtype=np.int8)
    codes[list(trained)] = _TRAIN
    codes[list(tested)] = _TEST
    return codes


def _refuse_shared(subjects: np.ndarray, codes: np.ndarray) -> None:
    listed = (codes >= 0) & (subjects >= 0)
    pairs = np.unique(np.stack([subjects[listed], codes[listed]], axis=1), axis=0)
    names, parts = np.unique(pairs[:, 0], return_counts=True)
    refuse_shared(
        [f"{name:05d}" for name in names[parts > 1].tolist()],
        "the partition list",
        Again({"select.split": "180k-20k"}, note="or random: both divide whole subjects"),
    )
