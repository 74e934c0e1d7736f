"""Define the neutral face: 68 landmarks and further control points, in millimetres.

Head coordinates: origin midway between the pupils, x to the right of the image, y down, z towards
the camera. The distance between the pupils of an adult, about 63 mm, sets the scale. Only the
points of the left half of the image are listed; the right half is its mirror image. The proportions
follow the mean of frontal photographs and are rounded.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
"""float32 arrays; NumPy may produce float64 intermediate results."""

# iBUG 300-W order; index -> (x, y). Only the left half of the image and the midline.
_HALF: dict[int, tuple[float, float]] = {
    # jaw line, from the ear to the chin
    0: (-70.5, 1.0), 1: (-69.6, 20.0), 2: (-67.3, 38.5), 3: (-63.2, 56.5), 4: (-56.4, 73.5),
    5: (-46.3, 88.5), 6: (-33.3, 99.5), 7: (-17.6, 106.0), 8: (0.0, 108.0),
    # brow, from the outer end
    17: (-57.5, -11.0), 18: (-49.0, -18.0), 19: (-37.0, -21.0), 20: (-24.5, -19.5),
    21: (-12.5, -15.5),
    # nose: bridge, then the wing
    27: (0.0, -2.0), 28: (0.0, 10.0), 29: (0.0, 22.0), 30: (0.0, 34.0),
    31: (-13.5, 43.0), 32: (-7.2, 45.5), 33: (0.0, 47.5),
    # eye: outer corner, upper lid, inner corner, lower lid
    36: (-44.5, 0.6), 37: (-36.5, -4.4), 38: (-27.0, -4.4), 39: (-18.3, 1.8),
    40: (-27.0, 4.0), 41: (-36.3, 3.9),
    # outer lips
    48: (-25.5, 69.0), 49: (-15.5, 64.4), 50: (-6.0, 62.0), 51: (0.0, 63.2),
    57: (0.0, 78.4), 58: (-7.0, 77.8), 59: (-16.0, 75.0),
    # inner lips
    60: (-22.5, 69.0), 61: (-7.5, 68.7), 62: (0.0, 69.0), 66: (0.0, 69.2), 67: (-7.5, 69.0),
}  # fmt: skip

MIRROR_68 = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
     45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
     54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
)  # fmt: skip
"""Index of the mirrored landmark of each landmark."""

# Skin points that move with the action units and are no landmarks.
_HALF_SKIN: dict[str, tuple[float, float]] = {
    "glabella": (0.0, -17.0),
    "forehead_mid": (0.0, -42.0),
    "forehead_inner": (-18.0, -40.0),
    "forehead_outer": (-44.0, -39.0),
    "forehead_high": (-25.0, -66.0),
    "lid_fold": (-31.5, -10.5),
    "infraorbital": (-31.0, 14.0),
    "cheek": (-39.0, 30.0),
    "cheek_side": (-53.0, 38.0),
    "cheek_low": (-46.0, 60.0),
    "nasolabial": (-26.0, 50.0),
    "mouth_side": (-34.0, 69.0),
    "nose_side": (-13.0, 24.0),
    "chin_fold": (0.0, 87.0),
    "chin": (0.0, 96.0),
    "chin_side": (-19.0, 92.0),
    "jaw_side": (-42.0, 80.0),
}

# Fixed points, which keep the rest of the head in place.
_ANCHORS: tuple[tuple[float, float], ...] = (
    (-66.0, -22.0), (-62.0, -55.0), (0.0, -95.0), (-40.0, -90.0), (-80.0, 0.0), (-82.0, 40.0),
    (-112.0, -150.0), (0.0, -150.0), (-112.0, -50.0), (-112.0, 40.0), (-112.0, 150.0),
    (0.0, 172.0), (-60.0, 165.0),
)  # fmt: skip


def neutral_landmarks() -> Array:
    """Return the 68 landmarks of the mean adult, (68, 2) mm, symmetric."""
    points = np.full((68, 2), np.nan, np.float32)
    for index, xy in _HALF.items():
        points[index] = xy
        points[MIRROR_68[index]] = (-xy[0], xy[1])
    points[28:31, 0] = 0.0
    return points


SKIN_NAMES: tuple[str, ...] = tuple(
    name if xy[0] == 0 else f"{name}{side}"
    for name, xy in _HALF_SKIN.items()
    for side in (("",) if xy[0] == 0 else (".l", ".r"))
)
"""Names of the free skin points; ``.l`` and ``.r`` are left and right in the image."""


def skin_points() -> Array:
    """Return neutral positions of :data:`SKIN_NAMES`, (n, 2) mm."""
    rows = []
    for name in SKIN_NAMES:
        base, _, side = name.partition(".")
        x, y = _HALF_SKIN[base]
        rows.append((-x if side == "r" else x, y))
    return np.array(rows, np.float32)


def anchor_points() -> Array:
    """Return the positions of the fixed points, (n, 2) mm."""
    both = [(sign * x, y) for x, y in _ANCHORS for sign in ((1,) if x == 0 else (1, -1))]
    return np.array(both, np.float32)
