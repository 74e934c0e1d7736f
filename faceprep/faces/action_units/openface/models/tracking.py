"""Where a sequence's face lies in the frames that `select` passed over.

The face is where it was, or nearly: MTCNN's last network, which tells faces from other things and
finds their five points, looks there first, in a tenth of the time of a search. Where it sees no
face, or one that has moved far, the whole frame is searched.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from faceprep.faces.alignment import five_from_68
from faceprep.faces.dlib.landmark_predictor import shared_predictor
from faceprep.faces.face import Face
from faceprep.faces.mtcnn.boxes import patches, points_in, refined, squared
from faceprep.faces.mtcnn.detector import MTCNN, THRESHOLDS
from faceprep.faces.mtcnn.networks import load_networks

# Lengths below are in spreads of the five points, of which a face is about four wide.
# MTCNN's box about them: medians over 1 362 photographs.
_BOX = np.array([3.4, 4.2])
_BOX_SHIFT = np.array([0.0, -0.4])
_SETTLED = 0.1
"""So little do the points move at a second look where the first one was near enough."""
_FARTHEST, _LARGEST_RATIO = 4.0, 2.0
"""So far may a face be from where it was, and so much larger or smaller; others are others'."""


class FaceFollower:
    """Finds a known face in other frames, with landmarks as `align` finds them.

    Parameters
    ----------
    known
        Frame → ``(68, 2)`` landmarks there, pixels; at least one frame.
    device
        Where MTCNN runs, ``cpu`` or ``cuda``.

    Raises
    ------
    MissingToolError
        The weights are not installed.
    """

    def __init__(self, known: Mapping[int, np.ndarray], device: str) -> None:
        self._device = device
        self._detector = MTCNN(device=device)
        self._network = load_networks(device)[2]
        self._predictor = shared_predictor()
        self._frames = np.array(sorted(known))
        self._five = np.stack([five_from_68(known[frame]) for frame in self._frames.tolist()])

    def landmarks(self, frames: Sequence[int], images: Sequence[np.ndarray]) -> np.ndarray:
        """Landmarks in some frames.

        Parameters
        ----------
        frames
            Their numbers in the sequence.
        images
            Each ``(H, W, 3) uint8`` RGB.

        Returns
        -------
        ``(n, 68, 2) float64`` pixels; NaN where the face is not seen.
        """
        nearest = np.abs(self._frames - np.array(frames)[:, None]).argmin(axis=1)
        five = self._look(images, self._five[nearest])
        lost = np.flatnonzero(np.isnan(five).any(axis=(1, 2))).tolist()
        if lost:
            found = self._detector.detect([images[k] for k in lost])
            for k, faces in zip(lost, found, strict=True):
                five[k] = _same(self._five[nearest[k]], faces)
        seen = np.flatnonzero(np.isfinite(five).all(axis=(1, 2))).tolist()
        landmarks = np.full((len(images), 68, 2), np.nan)
        if seen:
            starts = [Face((0.0, 0.0, 0.0, 0.0), 1.0, five[k].astype(np.float32)) for k in seen]
            landmarks[seen] = self._predictor.predict_many([images[k] for k in seen], starts)
        return landmarks

    def _look(self, images: Sequence[np.ndarray], expected: np.ndarray) -> np.ndarray:
        """Five points of the faces near those expected, ``(n, 5, 2)``; NaN where there is none."""
        spread = _spread(expected)[:, None]
        corner = expected.mean(axis=1) + spread * (_BOX_SHIFT - _BOX / 2)
        boxes = np.concatenate([corner, corner + spread * _BOX], axis=1)
        _, boxes, first = self._ask(images, boxes)
        scores, _, five = self._ask(images, boxes)
        moved = np.linalg.norm(five - first, axis=2).mean(axis=1)
        sure = (scores > THRESHOLDS[2]) & (moved <= _SETTLED * spread[:, 0])
        return np.where(sure[:, None, None], five, np.nan)

    def _ask(
        self, images: Sequence[np.ndarray], boxes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Face probability, better boxes and five points, by O-Net."""
        boxes = squared(boxes)
        pixels = torch.from_numpy(patches(images, np.arange(len(images)), boxes, 48))
        with torch.inference_mode():
            answer = self._network(pixels.to(self._device).permute(0, 3, 1, 2))
        scores, offsets, fractions = (part.cpu().numpy().astype(np.float64) for part in answer)
        return scores, refined(boxes, offsets), points_in(boxes, fractions)


def _same(known: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
    """Five points of the face nearest to the known one, NaN where all are other people's."""
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
    """Root mean square distance of points ``(…, 5, 2)`` from their mean, ``(…)``."""
    centred = points - points.mean(axis=-2, keepdims=True)
    spread: np.ndarray = np.sqrt((centred**2).sum(axis=-1).mean(axis=-1))
    return spread
