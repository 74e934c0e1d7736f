"""Known results of edits: another face of the same person, moved onto the source.

Two frames of a sequence differ in pose, crop and background, too. On the demo these differences are
five times as large as that of the expression: the mean square over the whole image is smallest for
a source with blurred edges. The other face is therefore moved so that its eyes and nose lie on
those of the source, and replaces the source only inside the face.
"""

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
        self.points: Tensor | None = None
        if crops.landmarks is None:
            return
        points = crops.landmarks.cpu()
        self.found = points.isfinite().all(dim=2).all(dim=1)
        self.points = torch.where(self.found[:, None, None], points, 0.0)

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
        x, y = self.crops.batch(sources, flips), self.crops.batch(others, flips)
        if self.points is None:
            return y
        device, size = x.device, self.crops.size
        here, there = (_mirrored(self.points[one], flips) for one in (sources, others))
        grid = F.affine_grid(affine(here, there).to(device), list(y.shape), align_corners=False)
        moved = _sample(y, grid)
        own, other = (face_masks(points.to(device), size) for points in (here, there))
        mask = torch.maximum(own, _sample(other, grid))
        result = torch.lerp(x, moved, mask)
        result = torch.where(_each(sources == others, device), x, result)
        return torch.where(_each(self.found[sources] & self.found[others], device), result, y)


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


def face_masks(points: Tensor, size: int) -> Tensor:
    """Return faces with their foreheads, ``(B, 1, S, S)``: 1 inside, 0 outside, a soft border.

    `points`: ``(B, 68, 2)`` divided by the side of the crop.
    """
    brows = points[:, [*LEFT_BROW, *RIGHT_BROW]]
    height = points[:, CHIN, 1] - brows[..., 1].mean(1)
    forehead = brows - _FOREHEAD * height[:, None, None] * points.new_tensor([0.0, 1.0])
    angles = torch.arange(_DIRECTIONS, device=points.device) * (2 * torch.pi / _DIRECTIONS)
    directions = torch.stack([torch.cos(angles), torch.sin(angles)])
    middle = (torch.arange(size, device=points.device) + 0.5) / size
    y, x = torch.meshgrid(middle, middle, indexing="ij")
    reach = (torch.cat([points, forehead], 1) @ directions).amax(1)
    # Distance to the convex hull: negative outside.
    inside = (reach[:, None, None] - torch.stack([x, y], 2) @ directions).amin(3)
    return (torch.sigmoid(inside / _BORDER) * 255).round()[:, None] / 255


def _mirrored(points: Tensor, flips: Tensor) -> Tensor:
    mirrored = points[:, torch.from_numpy(FLIP_68.copy())] * torch.tensor([-1.0, 1.0])
    mirrored = mirrored + torch.tensor([1.0, 0.0])
    return torch.where(flips[:, None, None], mirrored, points)


def _each(values: Tensor, device: torch.device) -> Tensor:
    return values.to(device)[:, None, None, None]


def _sample(x: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
