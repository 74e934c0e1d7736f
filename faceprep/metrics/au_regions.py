"""Regions of a face that Action Units change, and the share of an edit that lies inside them.

A region is the convex hull of some of the 68 points (iBUG 300-W), widened by a margin.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from faceprep.core.landmarks import (
    LEFT_BROW,
    LEFT_EYE,
    NOSE_BRIDGE,
    NOSTRILS,
    OUTER_LIPS,
    RIGHT_BROW,
    RIGHT_EYE,
)

#: Width of the margin, in distances between the centres of the eyes. Points are at edges of the
#: parts of the face, and a movement also changes the skin around them.
MARGIN = 0.15

#: Height of the forehead above the brows, in the same unit; no point of the 68 is on it.
FOREHEAD_HEIGHT = 0.6


@dataclass(frozen=True, slots=True)
class Region:
    """Convex hulls of points; those in `raised` also count raised by `FOREHEAD_HEIGHT`."""

    hulls: tuple[tuple[int, ...], ...]
    raised: tuple[int, ...] = ()


_BROWS = (*LEFT_BROW, *RIGHT_BROW)

#: Name → region.
REGIONS: dict[str, Region] = {
    "forehead": Region((_BROWS,), raised=_BROWS),
    "brows": Region(((*LEFT_BROW, 27), (*RIGHT_BROW, 27))),
    "eyes": Region(((*LEFT_BROW, *LEFT_EYE), (*RIGHT_BROW, *RIGHT_EYE))),
    "lids": Region((LEFT_EYE, RIGHT_EYE)),
    # from the lower lid to the corner of the mouth, between nose and outline of the face
    "cheeks": Region(((36, 40, 41, 31, 48, 4, 2), (45, 46, 47, 35, 54, 12, 14))),
    "nose": Region(((39, 42, *NOSE_BRIDGE, *NOSTRILS),)),
    "mouth": Region(((*OUTER_LIPS, *NOSTRILS),)),
    "chin": Region(((48, 54, 55, 56, 57, 58, 59, 5, 6, 7, 8, 9, 10, 11),)),
}

#: AU → regions in which FACS describes its changes of appearance (Ekman, Friesen and Hager, Facial
#: Action Coding System, 2002, section B of each AU).
AU_REGIONS: dict[str, tuple[str, ...]] = {
    "AU01": ("forehead", "brows", "eyes"),
    "AU02": ("forehead", "brows", "eyes"),
    "AU04": ("forehead", "brows", "eyes"),
    "AU05": ("eyes",),
    "AU06": ("lids", "cheeks"),
    "AU07": ("lids",),
    "AU09": ("brows", "lids", "nose", "cheeks", "mouth"),
    "AU10": ("nose", "cheeks", "mouth"),
    "AU12": ("lids", "cheeks", "mouth"),
    "AU14": ("cheeks", "mouth"),
    "AU15": ("mouth", "chin"),
    "AU17": ("mouth", "chin"),
    "AU20": ("cheeks", "mouth", "chin"),
    "AU23": ("mouth",),
    "AU25": ("mouth",),
    "AU26": ("mouth", "chin"),
    "AU45": ("lids",),
}


@dataclass(frozen=True, slots=True)
class Concentration:
    """Location of the differences between edits and their sources."""

    #: Share of the sum of absolute differences inside the regions, and the regions' share of the
    #: area: even changes have equal shares. NaN without any difference.
    inside: float
    area: float


def region_mask(points: np.ndarray, names: Collection[str], side: int) -> np.ndarray:
    """Return which pixels of a crop are in the union of regions, ``(side, side) bool``.

    Parameters
    ----------
    points
        ``(68, 2)`` crop pixels.
    names
        Names in `REGIONS`.
    """
    mask = np.zeros((side, side), np.uint8)
    eyes = points[[*RIGHT_EYE]].mean(axis=0) - points[[*LEFT_EYE]].mean(axis=0)
    up = np.array([eyes[1], -eyes[0]]) * FOREHEAD_HEIGHT
    for name in sorted(names):
        region = REGIONS[name]
        for hull in region.hulls:
            corners = np.concatenate([points[list(hull)], points[list(region.raised)] + up])
            outline = cv2.convexHull(np.round(corners).astype(np.int32))
            cv2.fillConvexPoly(mask, outline, 1)
    radius = round(MARGIN * float(np.hypot(*eyes)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask, disc).astype(bool)


def masks_of(
    before: np.ndarray, after: np.ndarray, aus: Sequence[Collection[str]], side: int
) -> np.ndarray:
    """Return the regions of AUs in N faces and their edits, ``(N, side, side) bool``.

    Points ``(N, 68, 2)`` of both count, because a part of the face may move out of its own region.
    `aus` names the AUs of each face.
    """
    masks = np.zeros((len(before), side, side), bool)
    for mask, old, new, some in zip(masks, before, after, aus, strict=True):
        names = {name for au in some for name in AU_REGIONS[au]}
        mask[:] = region_mask(old, names, side) | region_mask(new, names, side)
    return masks


def concentration(difference: np.ndarray, masks: np.ndarray) -> Concentration:
    """Return the share of the absolute differences ``(N, S, S)`` inside masks ``(N, S, S)``."""
    total = float(difference.sum())
    inside = float(difference[masks].sum()) / total if total > 0 else np.nan
    return Concentration(inside, float(masks.mean()) if masks.size else np.nan)


def difference(edits: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Return mean absolute differences over the channels, ``(N, S, S)`` grey levels, 0–255."""
    return np.abs(edits.astype(np.float32) - sources.astype(np.float32)).mean(axis=3)
