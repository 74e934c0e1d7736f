"""Turn photographs by quarter turns, and compare their crops with those of the upright ones.

    python benchmarks/align_turns.py PHOTOS --limit 100

``ok`` are photographs with a crop, ``equal`` crops with a mean difference below 1 of 255.
"""

import argparse
from pathlib import Path

import numpy as np

from faceprep.config import AlignConfig
from faceprep.core.images import read_image
from faceprep.core.tree import is_image
from faceprep.faces.aligner import Aligner, Alignment
from faceprep.faces.turns import turn_image

BATCH = 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=100)
    options = parser.parse_args()
    names = sorted(path for path in options.folder.iterdir() if is_image(path.name))
    names = names[:: max(len(names) // options.limit, 1)][: options.limit]
    images = [read_image(path) for path in names]
    print("| detector | align.turns | turned by | ok | equal |\n|---|---|---|---|---|")
    for detector in ("mtcnn", "dlib"):
        upright = align(images, detector, 1)
        for turns in (1, 4):
            for turn in range(4):
                found = align([turn_image(image, turn) for image in images], detector, turns)
                crops = [
                    (one.crop.astype(int), other.crop)
                    for one, other in zip(found, upright, strict=True)
                    if one.crop is not None and other.crop is not None
                ]
                equal = sum(bool(np.abs(one - other).mean() < 1) for one, other in crops)
                ok = sum(one.crop is not None for one in found)
                print(f"| {detector} | {turns} | {90 * turn}° | {ok} | {equal} |", flush=True)


def align(images: list[np.ndarray], detector: str, turns: int) -> list[Alignment]:
    aligner = Aligner(AlignConfig(detector=detector, turns=turns))
    parts = (images[k : k + BATCH] for k in range(0, len(images), BATCH))
    return [one for part in parts for one in aligner.align(part, [{}] * len(part))]


if __name__ == "__main__":
    main()
