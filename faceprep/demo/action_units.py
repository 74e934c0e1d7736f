"""Define the displacements of control points by each action unit.

Displacements are millimetres at intensity 5 for the left half of the image (x negative outwards, so
``dx < 0`` is towards the ear); the other half is mirrored. They follow the descriptions of the
Facial Action Coding System (Ekman, Friesen and Hager, 2002) and were adjusted visually. Landmarks
are named by iBUG index, free skin points by their names in ``anatomy``.
"""

from collections.abc import Mapping

import numpy as np

from faceprep.demo.anatomy import MIRROR_68, SKIN_NAMES, Array

AU_NAMES = (
    "AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12", "AU14", "AU15",
    "AU17", "AU20", "AU23", "AU25", "AU26", "AU28", "AU45",
)  # fmt: skip
"""Action units of the renderer: the 17 with an intensity in OpenFace, and AU28."""

MAX_INTENSITY = 5.0

PRESENT = 0.5
"""Intensity below which an action unit is not coded; grade A of FACS is 1."""

Move = tuple[float, float, float]

DISPLACEMENTS: dict[str, dict[int | str, Move]] = {
    "AU01": {  # inner brow raised
        21: (-0.3, -9.5, 0), 20: (-0.2, -7.0, 0), 19: (0, -3.0, 0), "glabella": (0, -5.5, 0),
        "forehead_mid": (0, -5.0, 0.4), "forehead_inner": (0, -5.0, 0.4), "lid_fold": (0, -2.0, 0),
        38: (0, -0.7, 0), 27: (0, -0.6, 0),
    },
    "AU02": {  # outer brow raised
        17: (0, -6.5, 0), 18: (0, -9.0, 0), 19: (0, -7.8, 0), 20: (0, -3.0, 0),
        "forehead_outer": (0, -5.0, 0.4), "forehead_inner": (0, -1.8, 0), "lid_fold": (0, -2.8, 0),
        37: (0, -0.7, 0),
    },
    "AU04": {  # brow lowered and drawn together
        21: (4.2, 7.8, 1.4), 20: (3.8, 7.2, 1.2), 19: (2.6, 5.0, 0.6), 18: (1.4, 2.2, 0),
        17: (0.6, 0.4, 0), "glabella": (0, 4.6, 2.2), "forehead_mid": (0, 2.5, 0),
        "forehead_inner": (1.0, 2.8, 0), "lid_fold": (1.0, 2.6, 0), 27: (0, 0.8, 0),
        37: (0, 0.5, 0), 38: (0.2, 0.9, 0),
    },
    "AU05": {  # upper lid raised
        37: (0, -3.1, 0), 38: (0, -3.1, 0), "lid_fold": (0, -1.0, 0), 40: (0, 0.5, 0),
        41: (0, 0.5, 0),
    },
    "AU06": {  # cheek raised, lids gathered
        "cheek": (0.5, -7.0, 4.0), "cheek_side": (2.0, -5.0, 2.0), "infraorbital": (0, -5.0, 2.0),
        40: (0, -2.7, 0.4), 41: (0, -2.9, 0.4), 36: (0.8, 0.4, 0), 37: (0, 0.7, 0),
        17: (0.5, 1.6, 0), 18: (0.2, 1.2, 0), "nasolabial": (-0.5, -2.5, 1.5),
        "lid_fold": (0, 0.8, 0),
    },
    "AU07": {  # lids tightened
        40: (0, -2.6, 0), 41: (0, -2.4, 0), 37: (0, 1.4, 0), 38: (0, 1.6, 0),
        "infraorbital": (0, -1.8, 0.4), "lid_fold": (0, 0.6, 0),
    },
    "AU09": {  # nose wrinkled
        31: (-1.0, -5.5, 0.5), 32: (-0.3, -4.0, 0), 33: (0, -2.2, 0), 30: (0, -1.8, 0),
        "nose_side": (0, -4.5, 1.6), "infraorbital": (1.0, -3.5, 2.0), 21: (1.6, 4.2, 0.6),
        20: (1.2, 3.6, 0.3), 19: (0.6, 2.0, 0), "glabella": (0, 4.0, 1.2), 27: (0, 1.2, 0.6),
        50: (0, -4.2, 0.6), 49: (-0.5, -3.4, 0.4), 51: (0, -3.4, 0.5), 61: (0, -3.6, 0.5),
        62: (0, -3.0, 0.5), 40: (0, -1.8, 0), 41: (0, -1.4, 0), 38: (0, 1.0, 0),
        "nasolabial": (-0.6, -5.0, 2.2), "cheek": (1.0, -3.5, 2.0), 60: (0, -0.6, 0),
        48: (0, -0.8, 0),
    },
    "AU10": {  # upper lip raised
        49: (-0.8, -5.2, 1.2), 50: (-0.2, -6.6, 1.4), 51: (0, -5.6, 1.4), 61: (-0.2, -6.2, 1.2),
        62: (0, -5.2, 1.2), 31: (-0.9, -2.2, 0.4), 32: (-0.2, -1.6, 0), 33: (0, -0.8, 0),
        "nasolabial": (-1.0, -5.5, 3.0), "cheek": (0.4, -3.5, 1.8), "infraorbital": (0, -1.4, 0.6),
        48: (0, -1.2, 0), 60: (0, -1.6, 0), 67: (0, -0.6, 0), 66: (0, -0.6, 0),
    },
    "AU12": {  # lip corner pulled up and out
        48: (-9.8, -11.5, -5.0), 60: (-9.4, -10.3, -4.6), 49: (-6.4, -6.2, -2.2),
        50: (-2.7, -3.0, -0.6), 51: (0, -1.9, -0.4), 59: (-6.2, -5.6, -2.6),
        58: (-2.6, -2.2, -0.8), 57: (0, -1.2, -0.6), 61: (-3.4, -3.7, -0.8), 62: (0, -2.7, -0.5),
        67: (-3.4, -2.3, -0.8), 66: (0, -0.6, -0.6), "mouth_side": (-7.0, -7.8, -1.0),
        "nasolabial": (-4.0, -5.0, 1.5), "cheek": (-0.6, -4.8, 5.2), "cheek_low": (-3.0, -5.0, 2.0),
        "cheek_side": (-1.0, -2.0, 1.5), 31: (-1.6, -0.8, 0), 32: (-0.4, -0.4, 0),
        "infraorbital": (0, -1.6, 0.8), "chin_fold": (0, -0.6, -0.4), "jaw_side": (-1.5, -1.5, 0.6),
        4: (-1.0, -0.6, 0), 5: (-0.8, -0.8, 0),
    },
    "AU14": {  # dimple: corner tightened inwards
        48: (-5.0, -2.4, -3.5), 60: (-4.8, -2.2, -3.2), 49: (-2.6, -0.8, -1.2),
        59: (-2.6, -0.8, -1.2), "mouth_side": (-1.0, -1.6, -2.0), "cheek_low": (-0.6, -1.2, 2.2),
        50: (-0.8, 0.2, 0), 58: (-0.8, -0.4, 0), "nasolabial": (-0.8, -1.0, 1.0),
    },
    "AU15": {  # lip corner pulled down
        48: (-1.2, 7.5, -1.4), 60: (-1.0, 6.8, -1.2), 49: (-0.9, 3.4, -0.5), 59: (-0.8, 4.6, -0.6),
        58: (-0.3, 1.2, 0), 50: (-0.2, 0.8, 0), 61: (-0.2, 1.2, 0), 67: (-0.2, 1.2, 0),
        "mouth_side": (-0.6, 4.2, 0.6), "nasolabial": (0, 1.8, 0), "jaw_side": (0, 1.6, 0.8),
        "cheek_low": (0.4, 2.0, 0),
    },
    "AU17": {  # chin raised
        57: (0, -4.6, 2.2), 58: (0, -4.2, 2.0), 59: (0, -2.6, 0.9), 66: (0, -3.4, 1.4),
        67: (0, -3.0, 1.3), 62: (0, -3.0, 1.2), 61: (0, -2.7, 1.1), 51: (0, -2.2, 1.0),
        50: (0, -2.0, 0.9), 49: (0, -1.0, 0.4), 48: (0.6, 0.8, 0), 60: (0.5, 0.7, 0),
        "chin_fold": (0, -4.8, 0.4), "chin": (0, -4.8, 2.6), "chin_side": (0.8, -2.6, 1.2),
        8: (0, -2.6, 0), 7: (0, -2.2, 0), 6: (0, -1.0, 0),
    },
    "AU20": {  # lips stretched sideways
        48: (-8.6, 2.6, -3.6), 60: (-8.0, 2.4, -3.4), 49: (-5.4, 1.2, -1.6), 59: (-5.6, 1.0, -1.8),
        50: (-2.2, 0.6, -0.6), 58: (-2.4, -0.6, -0.7), 61: (-2.6, 0.2, -0.6), 67: (-2.6, 0.2, -0.6),
        57: (0, -0.8, -0.5), "mouth_side": (-5.0, 2.0, 0), "cheek_low": (-2.4, 1.4, 1.2),
        "jaw_side": (-1.6, 1.0, 0.6), "chin_side": (-1.0, 0.4, -0.3), 5: (-1.0, 0.6, 0),
    },
    "AU23": {  # lips tightened
        48: (2.6, 0, 0), 60: (2.8, 0, 0), 50: (0.4, 2.9, -1.4), 51: (0, 3.0, -1.4),
        49: (1.2, 1.8, -0.8), 57: (0, -4.2, -1.4), 58: (0.4, -4.0, -1.4), 59: (1.2, -2.6, -0.8),
        61: (0.6, 0.5, -0.6), 62: (0, 0.5, -0.6), 66: (0, -0.3, -0.6), 67: (0.6, -0.3, -0.6),
        "mouth_side": (1.4, 0, 0.4), "chin_fold": (0, -1.0, 0),
    },
    "AU25": {  # lips parted
        57: (0, 3.4, 0), 58: (0, 3.2, 0), 59: (0, 1.9, 0), 66: (0, 4.4, 0), 67: (0, 4.0, 0),
        51: (0, -1.9, 0), 50: (0, -1.8, 0), 49: (0, -0.9, 0), 62: (0, -2.2, 0), 61: (0, -2.0, 0),
        "chin_fold": (0, 1.8, 0),
    },
    "AU26": {  # jaw dropped
        8: (0, 17.0, -3.0), 7: (0, 16.6, -3.0), 6: (0.4, 14.6, -2.6), 5: (0.8, 10.5, -2.0),
        4: (1.0, 6.0, -1.0), 3: (0.8, 2.4, 0),
        "chin": (0, 16.5, -3.0), "chin_side": (0, 15.0, -2.8),
        "chin_fold": (0, 15.5, -2.8), "jaw_side": (1.4, 9.0, -2.0), "mouth_side": (2.2, 5.5, -1.6),
        "cheek_low": (1.6, 4.0, -2.2), "nasolabial": (0.6, 2.0, -0.6),
        57: (0, 14.6, -2.6), 58: (0.4, 14.0, -2.6), 59: (1.4, 9.8, -1.8), 66: (0, 14.4, -2.6),
        67: (0.2, 13.2, -2.4), 48: (2.2, 5.2, -1.2), 60: (2.0, 5.4, -1.2), 49: (1.0, 1.2, -0.4),
        50: (0.2, 0.6, 0), 51: (0, 0.6, 0), 61: (0.3, 0.6, 0), 62: (0, 0.6, 0),
        "cheek": (0, 1.2, -0.6),
    },
    "AU28": {  # lips sucked in
        50: (0, 4.0, -3.0), 51: (0, 4.2, -3.0), 49: (0.4, 2.6, -2.0), 57: (0, -6.0, -3.0),
        58: (0, -5.8, -3.0), 59: (0.4, -3.6, -2.0), 61: (0, 0.4, -2.0), 62: (0, 0.4, -2.0),
        66: (0, 0.2, -2.0), 67: (0, 0.2, -2.0), "chin_fold": (0, -2.0, 0), "chin": (0, -1.2, 1.0),
    },
    "AU45": {},  # blink: the upper lid moves to the lower one, see `displace`
}  # fmt: skip


def _table() -> Array:
    """Return displacements as an array, (AU, side, 68 + skin points, 3) mm at intensity 5."""
    table = np.zeros((len(AU_NAMES), 2, 68 + len(SKIN_NAMES), 3), np.float32)
    for row, au in enumerate(AU_NAMES):
        for point, move in DISPLACEMENTS[au].items():
            mirrored = (-move[0], move[1], move[2])
            if isinstance(point, int):
                left, right = point, int(MIRROR_68[point])
            else:
                middle = point in SKIN_NAMES
                left = 68 + SKIN_NAMES.index(point if middle else f"{point}.l")
                right = 68 + SKIN_NAMES.index(point if middle else f"{point}.r")
            if left == right:  # a midline point has the mean of both halves
                table[row, :, left] = np.array((0.0, *move[1:])) / 2
            else:
                table[row, 0, left] = move
                table[row, 1, right] = mirrored
    return table


TABLE = _table()

Intensities = Mapping[str, float | tuple[float, float]]


def sided(intensities: Intensities) -> Array:
    """Convert intensities to an array (AU, 2): left and right half of the image, clipped to 0..5.

    A single number applies to both halves, a pair to (left, right).
    """
    values = np.zeros((len(AU_NAMES), 2), np.float32)
    for au, value in intensities.items():
        if au not in AU_NAMES:
            raise ValueError(f"unknown action unit {au!r}; known: {', '.join(AU_NAMES)}")
        values[AU_NAMES.index(au)] = value
    return np.clip(values, 0, MAX_INTENSITY)


def displace(points: Array, intensities: Array, mobility: float = 1.0) -> Array:
    """Move neutral control points (68 + skin, 3) mm; lids and lips do not cross.

    The intensities (AU, 2), 0..5, are from :func:`sided`; ``mobility`` is a factor of all
    displacements.
    """
    moves = np.einsum("as,aspc->pc", intensities * (mobility / MAX_INTENSITY), TABLE)
    moved = points + moves
    blink = intensities[AU_NAMES.index("AU45")] / MAX_INTENSITY
    for side, (upper, lower) in enumerate((((37, 38), (41, 40)), ((44, 43), (46, 47)))):
        for top, bottom in zip(upper, lower, strict=True):
            gap = moved[bottom, 1] - moved[top, 1]
            moved[top, 1] += blink[side] * (gap - 0.4) if gap > 0.4 else 0.0
            _keep_order(moved, top, bottom, 0.4)
    for top, bottom in ((61, 67), (62, 66), (63, 65)):
        _keep_order(moved, top, bottom, 0.2)
    for top, bottom in ((50, 61), (51, 62), (52, 63), (67, 58), (66, 57), (65, 56)):
        _keep_order(moved, top, bottom, 1.0)
    return moved.astype(np.float32)


def _keep_order(points: Array, top: int, bottom: int, gap: float) -> None:
    """Move two points apart until ``bottom`` is at least ``gap`` mm below ``top``."""
    missing = gap - (points[bottom, 1] - points[top, 1])
    if missing > 0:
        points[top, 1] -= missing / 2
        points[bottom, 1] += missing / 2
