"""Detect faces with MTCNN in torch, as `mtcnn` 1.0.0 does, several times faster.

Zhang, Zhang, Li and Qiao, "Joint face detection and alignment using multitask cascaded
convolutional networks", IEEE SPL 2016.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from faceprep.faces.finder import Face
from faceprep.faces.mtcnn.boxes import (
    best_first,
    patches,
    points_in,
    refined,
    squared,
    suppress,
    window_boxes,
)
from faceprep.faces.mtcnn.networks import load_networks
from faceprep.faces.mtcnn.pyramid import Search, pyramid_scales

SCALE_FACTOR = 0.709
"""Step of the image pyramid; this and the thresholds are the defaults of `mtcnn` 1.0.0."""
THRESHOLDS = (0.6, 0.7, 0.8)
"""Smallest face probability for P-, R- and O-Net."""
_LEVEL_OVERLAP, _PROPOSAL_OVERLAP = 0.5, 0.7
_REFINED_OVERLAP, _FACE_OVERLAP = 0.7, 0.7
_BATCH_IMAGES = 32
_BATCH_PIXELS = 8_000_000  # total of the images of a batch, to bound memory
_LEVEL_PIXELS = 100_000  # P-Net is slower when its activations exceed the cache
_BATCH_PATCHES = 32

# boxes (n, 4), scores (n,), points (n, 5, 2)
_Detections = tuple[np.ndarray, np.ndarray, np.ndarray]


class MTCNN:
    """Detect faces and five key points.

    The result for an image does not depend on the other images of the call. Memory is bounded: in
    images of more than about four megapixels the smallest faces are not searched (see
    `faceprep.faces.mtcnn.pyramid.MAX_LEVEL_PIXELS`).

    Parameters
    ----------
    device : str
        Device of the networks, ``cpu`` or ``cuda``.
    min_face_size : float
        Side of the smallest face to detect, pixels (default of the package: 20).
    search : {"large-first", "full"}
        ``full`` searches all pyramid levels, as the package does. ``large-first`` starts with faces
        of a quarter of the shorter side of the image. It continues until faces a third as large as
        the largest face have been searched or, while no face has confidence 0.95, down to
        `min_face_size`. The largest face and its key points are the same. Faces in the background
        that are smaller than a third of the largest may be missing.

    Raises
    ------
    MissingToolError
        If the `mtcnn` wheel, which contains the weights, is not installed.
    ValueError
        If `search` is unknown or `min_face_size` is not positive.
    """

    name = "mtcnn"

    def __init__(
        self,
        device: str = "cpu",
        min_face_size: float = 20,
        search: Literal["large-first", "full"] = "large-first",
    ) -> None:
        if search not in ("large-first", "full"):
            raise ValueError(f"search is 'large-first' or 'full', not {search!r}")
        if not min_face_size > 0:
            raise ValueError(f"min_face_size is positive, not {min_face_size}")
        self.device = device
        self.min_face_size = min_face_size
        self.search = search
        self._pnet, self._rnet, self._onet = load_networks(device)

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces of each ``(H, W, 3) uint8 RGB`` image, best confidence first.

        Images of one size share batches. Boxes are inside the image; key points may be outside.

        Raises
        ------
        ValueError
            If an image is not (H, W, 3) uint8.
        """
        for image in images:
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise ValueError(f"want (H, W, 3) uint8, got {image.shape} {image.dtype}")
        faces: list[list[Face]] = []
        with torch.inference_mode():
            for batch in _batches(images):
                faces += self._detect_batch(batch)
        return faces

    def _detect_batch(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        searches = [
            Search(
                np.ascontiguousarray(image),
                pyramid_scales(image.shape[0], image.shape[1], self.min_face_size, SCALE_FACTOR),
                large_first=self.search == "large-first",
            )
            for image in images
        ]
        found: dict[int, _Detections] = {}
        active = [i for i, search in enumerate(searches) if search.pending]
        while active:
            self._propose([searches[i] for i in active])
            found |= zip(active, self._refine([searches[i] for i in active]), strict=True)
            active = [i for i in active if searches[i].continue_search(*found[i][:2])]
        return [_faces(image, found.get(i)) for i, image in enumerate(images)]

    def _propose(self, searches: list[Search]) -> None:
        """Apply P-Net to the pending levels; levels of one size share a batch."""
        by_shape = defaultdict(list)
        for search in searches:
            for level, picture in search.level_images():
                by_shape[picture.shape].append((search, level, picture))
        for (height, width, _), group in by_shape.items():
            step = max(_LEVEL_PIXELS // (height * width), 1)
            for start in range(0, len(group), step):
                part = group[start : start + step]
                pixels = self._tensor(np.stack([picture for *_, picture in part]))
                probability, offsets = (t.cpu().numpy() for t in self._pnet(pixels))
                for (search, level, _), p, o in zip(part, probability, offsets, strict=True):
                    rows, columns = np.nonzero(p > THRESHOLDS[0])
                    boxes = window_boxes(rows, columns, o[rows, columns])
                    search.add(level, boxes, p[rows, columns])

    def _refine(self, searches: list[Search]) -> Iterator[_Detections]:
        """Apply R-Net and O-Net to the proposals of all searches."""
        images = [search.image for search in searches]
        proposals = [_proposals(search) for search in searches]
        owners = np.repeat(np.arange(len(proposals)), [len(boxes) for boxes in proposals])
        boxes = np.concatenate(proposals)

        scores, offsets = self._run(self._rnet, patches(images, owners, boxes, 24))
        sure = scores > THRESHOLDS[1]
        owners, boxes, scores = owners[sure], refined(boxes, offsets)[sure], scores[sure]
        keep = _keep_best(owners, boxes, scores, _REFINED_OVERLAP)
        owners, boxes = owners[keep], squared(boxes[keep])

        scores, offsets, fractions = self._run(self._onet, patches(images, owners, boxes, 48))
        points, boxes = points_in(boxes, fractions), refined(boxes, offsets)
        sure = scores > THRESHOLDS[2]
        owners, boxes, scores, points = owners[sure], boxes[sure], scores[sure], points[sure]
        keep = _keep_best(owners, boxes, scores, _FACE_OVERLAP, of_smaller=True)
        for i in range(len(searches)):
            mine = keep[owners[keep] == i]
            yield boxes[mine], scores[mine], points[mine]

    def _run(self, network: torch.nn.Module, pixels: np.ndarray) -> list[np.ndarray]:
        # An empty list gives one empty batch, so that the outputs have the right shapes.
        batches = [
            network(self._tensor(pixels[start : start + _BATCH_PATCHES]))
            for start in range(0, max(len(pixels), 1), _BATCH_PATCHES)
        ]
        return [torch.cat(parts).cpu().numpy() for parts in zip(*batches, strict=True)]

    def _tensor(self, pixels: np.ndarray) -> Tensor:
        """Convert ``(n, h, w, 3)`` pixels to a float32 channels-last batch."""
        return torch.from_numpy(pixels).to(self.device).float().permute(0, 3, 1, 2)


def _batches(images: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
    batch: list[np.ndarray] = []
    for image in images:
        pixels = sum(i.shape[0] * i.shape[1] for i in [*batch, image])
        if batch and (len(batch) == _BATCH_IMAGES or pixels > _BATCH_PIXELS):
            yield batch
            batch = []
        batch.append(image)
    if batch:
        yield batch


def _proposals(search: Search) -> np.ndarray:
    """Return P-Net's boxes as squares, after suppression within and across levels."""
    order = best_first(search.scores)
    boxes, levels = search.boxes[order], search.levels[order]
    boxes = boxes[suppress(boxes, _LEVEL_OVERLAP, groups=levels)]
    return squared(boxes[suppress(boxes, _PROPOSAL_OVERLAP)])


def _keep_best(
    owners: np.ndarray,
    boxes: np.ndarray,
    scores: np.ndarray,
    threshold: float,
    *,
    of_smaller: bool = False,
) -> np.ndarray:
    """Return the indices of boxes after suppression within each image; by image, best first."""
    kept = []
    for owner in np.unique(owners):
        mine = np.flatnonzero(owners == owner)
        mine = mine[best_first(scores[mine])]
        kept.append(mine[suppress(boxes[mine], threshold, of_smaller=of_smaller)])
    return np.concatenate(kept) if kept else np.empty(0, int)


def _faces(image: np.ndarray, found: _Detections | None) -> list[Face]:
    if found is None:
        return []
    boxes, scores, points = found
    height, width = image.shape[:2]
    corners = boxes.reshape(-1, 2, 2).clip(0, (width - 1, height - 1))
    return [
        Face((x1, y1, x2 - x1, y2 - y1), float(score), np.asarray(five, np.float32))
        for ((x1, y1), (x2, y2)), score, five in zip(corners.tolist(), scores, points, strict=True)
    ]
