"""Define named distances on a frontal face that Action Units change.

A measure is the height (or the distance from the middle line) of some points minus that of others,
so all measures are linear in the coordinates. The points are those of the left half in the image;
`faceprep.faces.action_units.face_shape` makes both halves equal.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Measure:
    """Define how far the mean of some points is above (or outside of) the mean of others."""

    # ``up``: height on the face. ``out``: distance from its middle line.
    axis: Literal["up", "out"]
    points: tuple[int, ...]  # landmark indices whose mean is measured
    # landmark indices of the reference; none for the middle line (``out`` only)
    origin: tuple[int, ...] = ()


#: Name → measure. Unit: the mean face's distance between eye centres.
MEASURES: dict[str, Measure] = {
    # Brows, relative to the eye corners, which AUs hardly move
    "inner brow height": Measure("up", (20, 21), (36, 39)),
    "middle brow height": Measure("up", (18, 19, 20), (36, 39)),
    "outer brow height": Measure("up", (17, 18), (36, 39)),
    "brow arch": Measure("up", (19,), (17, 21)),
    "brow gap": Measure("out", (21,)),
    # Eyes
    "brow above lid": Measure("up", (18, 19, 20), (37, 38)),
    "eye opening": Measure("up", (37, 38), (40, 41)),
    "eye width": Measure("out", (36,), (39,)),
    "upper lid height": Measure("up", (37, 38), (36, 39)),
    "lower lid height": Measure("up", (40, 41), (36, 39)),
    # Nose
    "nostril width": Measure("out", (31,)),
    "nostril lift": Measure("up", (31,), (33,)),
    "nose length": Measure("up", (36, 39), (33,)),
    # Mouth: lips relative to the base of the nose
    "upper lip height": Measure("up", (50, 51), (33,)),
    "mouth corner height": Measure("up", (48,), (33,)),
    "lower lip height": Measure("up", (57, 58), (33,)),
    # Mouth: shape
    "mouth corner lift": Measure("up", (48,), (51, 57)),
    "mouth width": Measure("out", (48,)),
    "inner mouth width": Measure("out", (60,)),
    "mouth height": Measure("up", (51,), (57,)),
    "lip gap": Measure("up", (61, 62), (67, 66)),
    "upper lip thickness": Measure("up", (50, 51), (61, 62)),
    "lower lip thickness": Measure("up", (66, 67), (57, 58)),
    "upper lip curve": Measure("up", (49,), (51,)),
    "upper lip width": Measure("out", (49,)),
    "lower lip curve": Measure("up", (59,), (57,)),
    # Chin and outline
    "chin height": Measure("up", (7, 8), (33,)),
    "chin to lower lip": Measure("up", (57,), (7, 8)),
    "jaw width": Measure("out", (5, 6)),
    "cheek width": Measure("out", (2, 3)),
}


def measure(points: np.ndarray) -> np.ndarray:
    """Compute all measures of frontal faces.

    Parameters
    ----------
    points
        ``(N, 68, 2)``, `FaceShapes.points`.

    Returns
    -------
    ``(N, len(MEASURES))`` in the order of `MEASURES`.
    """
    upwards, outwards = -points[..., 1], -points[..., 0]  # y points down; the left half has x < 0
    columns = []
    for item in MEASURES.values():
        axis = upwards if item.axis == "up" else outwards
        value = axis[:, list(item.points)].mean(axis=1)
        if item.origin:
            value = value - axis[:, list(item.origin)].mean(axis=1)
        columns.append(value)
    return np.stack(columns, axis=1)
