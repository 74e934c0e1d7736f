"""Known results of edits: another face of the same person, moved onto the source.

Two frames of a sequence differ in pose, crop and background, too. On the demo these differences are
five times as large as that of the expression: the mean square over the whole image is smallest for
a source with blurred edges. The other face is therefore moved so that its eyes and nose lie on
those of the source, and replaces the source only inside the face.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.core.landmarks import (
    CHIN,
    FLIP_68,
    LEFT_BROW,
    LEFT_EYE,
    NOSE_BRIDGE,
    NOSTRILS,
    RIGHT_BROW,
    RIGHT_EYE,
)
from faceprep.training.crops import Crops

#: Points that expressions hardly move: corners of the eyes, bridge and base of the nose.
_RIGID = (*NOSE_BRIDGE, *NOSTRILS[::2], *LEFT_EYE[::3], *RIGHT_EYE[::3])

#: Height of the forehead above the brows, relative to the distance from brows to chin.
_FOREHEAD = 0.25

#: Width of the soft border of a face, relative to the side of the crop.
_BORDER = 0.018

#: Directions in which the convex hull of a face is measured.
_DIRECTIONS = 64


class KnownResults:
    """Results of edits between faces of the same person.

    Without landmarks of both faces, the other face itself is the result.
    """

    def __init__(self, crops: Crops) -> None:
        self.crops = crops
        self.inside: Tensor | None = None
        if crops.landmarks is None:
            return
        points = crops.landmarks.cpu()
        self.found = points.isfinite().all(dim=2).all(dim=1)
        points = torch.where(self.found[:, None, None], points, 0.0)
        self.points = points
        masks = np.stack([face_mask(one, crops.size) for one in points.numpy()])
        self.inside = torch.from_numpy(masks)[:, None].to(crops.images.device)

    def __call__(self, sources: Tensor, others: Tensor, flips: Tensor) -> Tensor:
        """Return the results ``(B, 3, S, S)`` in [-1, 1].

        Parameters
        ----------
        sources, others
            ``(B,)`` indices of the sources, and of the faces that show the results. Where they are
            equal, the result is the source.
        flips
            ``(B,)`` whether sources and results are mirrored.
        """
        crops, inside = self.crops, self.inside
        x, y = crops.batch(sources, flips), crops.batch(others, flips)
        if inside is None:
            return y
        device = x.device
        here, there = self._points(sources, flips), self._points(others, flips)
        grid = F.affine_grid(affine(here, there).to(device), list(y.shape), align_corners=False)
        moved = _sample(y, grid)
        masks = [_mirrored(_shares(inside[one.to(device)]), flips) for one in (sources, others)]
        mask = torch.maximum(masks[0], _sample(masks[1], grid))
        result = torch.lerp(x, moved, mask)
        result = torch.where(_each(sources == others, device), x, result)
        return torch.where(_each(self.found[sources] & self.found[others], device), result, y)

    def _points(self, indices: Tensor, flips: Tensor) -> Tensor:
        points = self.points[indices]
        mirrored = points[:, torch.from_numpy(FLIP_68.copy())] * torch.tensor([-1.0, 1.0])
        mirrored = mirrored + torch.tensor([1.0, 0.0])
        return torch.where(flips[:, None, None], mirrored, points)


def affine(source: Tensor, other: Tensor) -> Tensor:
    """Return the affine maps from the rigid points of sources to those of other faces.

    `source`, `other`: ``(B, 68, 2)`` points divided by the side of the crop. Returns ``(B, 2, 3)``
    for coordinates in [-1, 1], as `torch.nn.functional.affine_grid` expects; least squares.
    """
    rigid = list(_RIGID)
    a, b = source[:, rigid].double() * 2 - 1, other[:, rigid].double() * 2 - 1
    a = F.pad(a, (0, 1), value=1.0)
    gram = a.transpose(1, 2) @ a + 1e-9 * torch.eye(3, dtype=a.dtype)
    return torch.linalg.solve(gram, a.transpose(1, 2) @ b).transpose(1, 2).float()


def face_mask(points: np.ndarray, size: int) -> np.ndarray:
    """Return the face with its forehead, ``(S, S) uint8``: 255 inside, with a soft border.

    `points`: ``(68, 2)`` divided by the side of the crop.
    """
    brows = points[[*LEFT_BROW, *RIGHT_BROW]]
    height = points[CHIN, 1] - brows[:, 1].mean()
    forehead = brows - np.array([0, _FOREHEAD * height], np.float32)
    corners = np.concatenate([points, forehead]).astype(np.float32) * size
    angles = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    directions = np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    y, x = np.mgrid[:size, :size].astype(np.float32) + 0.5
    pixels = np.stack([x, y], axis=2)
    # Distance to the hull: negative outside.
    inside = ((corners @ directions).max(axis=0) - pixels @ directions).min(axis=2)
    return (255 / (1 + np.exp(-inside / (_BORDER * size)))).round().astype(np.uint8)


def _shares(masks: Tensor) -> Tensor:
    return masks.float() / 255


def _mirrored(masks: Tensor, flips: Tensor) -> Tensor:
    return torch.where(_each(flips, masks.device), masks.flip(3), masks)


def _each(values: Tensor, device: torch.device) -> Tensor:
    return values.to(device)[:, None, None, None]


def _sample(x: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
