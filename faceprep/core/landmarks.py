"""Name the 68 points of the iBUG 300-W scheme, and mirror them.

"Left" and "right" are as seen in the image. The module needs only NumPy.
"""

import numpy as np

JAW = tuple(range(17))  # image-left ear, along the chin, to image-right ear
CHIN = 8
LEFT_BROW = tuple(range(17, 22))  # outer end first
RIGHT_BROW = tuple(range(22, 27))  # inner end first
NOSE_BRIDGE = tuple(range(27, 31))  # between the eyes to the tip
NOSE_TIP = 30
NOSTRILS = tuple(range(31, 36))
LEFT_EYE = tuple(range(36, 42))  # outer corner, upper lid, inner corner, lower lid
RIGHT_EYE = tuple(range(42, 48))  # inner corner, upper lid, outer corner, lower lid
OUTER_LIPS = tuple(range(48, 60))  # image-left corner, upper edge, right corner, lower edge
INNER_LIPS = tuple(range(60, 68))  # likewise
MOUTH_CORNERS = (48, 54)

#: Name → indices; each of the 68 points belongs to one group.
GROUPS: dict[str, tuple[int, ...]] = {
    "jaw": JAW,
    "left brow": LEFT_BROW,
    "right brow": RIGHT_BROW,
    "nose bridge": NOSE_BRIDGE,
    "nostrils": NOSTRILS,
    "left eye": LEFT_EYE,
    "right eye": RIGHT_EYE,
    "outer lips": OUTER_LIPS,
    "inner lips": INNER_LIPS,
}

# Each row: indices, and the indices of their mirrored points.
_MIRROR = (
    (JAW, tuple(reversed(JAW))),
    (LEFT_BROW, tuple(reversed(RIGHT_BROW))),
    (NOSE_BRIDGE, NOSE_BRIDGE),
    (NOSTRILS, tuple(reversed(NOSTRILS))),
    (LEFT_EYE, (45, 44, 43, 42, 47, 46)),
    (OUTER_LIPS, (54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55)),
    (INNER_LIPS, (64, 63, 62, 61, 60, 67, 66, 65)),
)


def _permutation() -> np.ndarray:
    order = np.arange(68)
    for here, there in _MIRROR:
        order[list(here)] = there
        order[list(there)] = here
    order.setflags(write=False)
    return order


#: Permutation that restores the iBUG order of a mirrored face: ``points[..., FLIP_68, :]``.
FLIP_68: np.ndarray = _permutation()


def flip_points(points: np.ndarray, width: float) -> np.ndarray:
    """Mirror 68 points ``(..., 68, 2)`` horizontally within an image, and restore the iBUG order.

    Column *x* of an image of `width` pixels becomes column ``width - 1 - x``.
    """
    points = np.asarray(points)
    if points.shape[-2:] != (68, 2):
        raise ValueError(f"expected (..., 68, 2) points, got {points.shape}")
    mirrored = points[..., FLIP_68, :].copy()
    mirrored[..., 0] = width - 1 - mirrored[..., 0]
    return mirrored


def read_points(values: object) -> np.ndarray:
    """Return 68 points ``(68, 2) float32`` from a cell of a table; NaN if the cell has none."""
    if not isinstance(values, np.ndarray | list):
        return np.full((68, 2), np.nan, np.float32)
    return np.asarray(values, np.float32).reshape(68, 2)
