"""Track the face of a sequence in the frames that were not selected.

The face is usually close to its position in a known frame. The last network of MTCNN, which
classifies faces and finds five points, is applied there first, which takes a tenth of the time of a
full detection. If it finds no face, or a face that has moved far, the whole frame is searched.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from faceprep.faces.alignment import five_from_68
from faceprep.faces.dlib.landmark_predictor import shared_predictor
from faceprep.faces.finder import Face
from faceprep.faces.mtcnn.boxes import patches, points_in, refined, squared
from faceprep.faces.mtcnn.detector import MTCNN, THRESHOLDS
from faceprep.faces.mtcnn.networks import load_networks

# Lengths below are in spreads of the five points; a face is about four spreads wide.
# Size and offset of the box of MTCNN around them: medians over 1 362 photographs.
_BOX = np.array([3.4, 4.2])
_BOX_SHIFT = np.array([0.0, -0.4])
_SETTLED = 0.1
"""Largest movement of the points in a second pass if the first pass was close enough."""
_FARTHEST, _LARGEST_RATIO = 4.0, 2.0
"""Largest distance and ratio of sizes to the known face; other faces are other people's."""


class FaceTracker:
    """Find a known face in other frames, with landmarks as `align` finds them.

    `known` is frame → ``(68, 2)`` landmarks in it, pixels, for at least one frame; `device` is that
    of MTCNN. Raises MissingToolError if the weights are not installed.
    """

    def __init__(self, known: Mapping[int, np.ndarray], device: str) -> None:
        self._device = device
        self._detector = MTCNN(device=device)
        self._network = load_networks(device)[2]
        self._predictor = shared_predictor()
        self._frames = np.array(sorted(known))
        self._five = np.stack([five_from_68(known[frame]) for frame in self._frames.tolist()])

    def landmarks(self, frames: Sequence[int], images: Sequence[np.ndarray]) -> np.ndarray:
        """Find the landmarks in frames with these numbers in the sequence and these images.

        The images are ``(H, W, 3) uint8`` RGB; the landmarks are ``(n, 68, 2) float64`` pixels, NaN
        if the face is not found.
        """
        nearest = np.abs(self._frames - np.array(frames)[:, None]).argmin(axis=1)
        five = self._find_near(images, self._five[nearest])
        lost = np.flatnonzero(np.isnan(five).any(axis=(1, 2))).tolist()
        if lost:
            found = self._detector.detect([images[k] for k in lost])
            for k, faces in zip(lost, found, strict=True):
                five[k] = _nearest(self._five[nearest[k]], faces)
        seen = np.flatnonzero(np.isfinite(five).all(axis=(1, 2))).tolist()
        landmarks = np.full((len(images), 68, 2), np.nan)
        if seen:
            starts = [Face((0.0, 0.0, 0.0, 0.0), 1.0, five[k].astype(np.float32)) for k in seen]
            landmarks[seen] = self._predictor.predict_many([images[k] for k in seen], starts)
        return landmarks

    def _find_near(self, images: Sequence[np.ndarray], expected: np.ndarray) -> np.ndarray:
        """Find five points of faces near the expected ones, ``(n, 5, 2)``; NaN without a face."""
        spread = _spread(expected)[:, None]
        corner = expected.mean(axis=1) + spread * (_BOX_SHIFT - _BOX / 2)
        boxes = np.concatenate([corner, corner + spread * _BOX], axis=1)
        _, boxes, first = self._refine(images, boxes)
        scores, _, five = self._refine(images, boxes)
        moved = np.linalg.norm(five - first, axis=2).mean(axis=1)
        sure = (scores > THRESHOLDS[2]) & (moved <= _SETTLED * spread[:, 0])
        return np.where(sure[:, None, None], five, np.nan)

    def _refine(
        self, images: Sequence[np.ndarray], boxes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return face probabilities, refined boxes and five points from O-Net."""
        boxes = squared(boxes)
        pixels = torch.from_numpy(patches(images, np.arange(len(images)), boxes, 48))
        with torch.inference_mode():
            output = self._network(pixels.to(self._device).permute(0, 3, 1, 2))
        scores, offsets, fractions = (part.cpu().numpy().astype(np.float64) for part in output)
        return scores, refined(boxes, offsets), points_in(boxes, fractions)


def _nearest(known: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
    """Return five points of the face nearest to the known one, NaN if none is near enough."""
    spread = float(_spread(known))
    best, least = np.full((5, 2), np.nan), _FARTHEST * spread
    for face in faces:
        assert face.landmarks5 is not None
        distance = float(np.linalg.norm((face.landmarks5 - known).mean(axis=0)))
        smaller, larger = sorted((spread, float(_spread(face.landmarks5))))
        if distance <= least and larger <= _LARGEST_RATIO * smaller:
            best, least = face.landmarks5, distance
    return best


def _spread(points: np.ndarray) -> np.ndarray:
    """Return the root mean square distance of points ``(…, 5, 2)`` from their mean, ``(…)``."""
    centred = points - points.mean(axis=-2, keepdims=True)
    spread: np.ndarray = np.sqrt((centred**2).sum(axis=-1).mean(axis=-1))
    return spread
