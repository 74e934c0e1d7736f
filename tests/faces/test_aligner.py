"""Alignment of one photograph in memory."""

import numpy as np
from builders.align import photograph

from faceprep.config import AlignConfig
from faceprep.faces.aligner import Aligner


def test_no_face_is_a_status_and_no_crop() -> None:
    aligned = Aligner(AlignConfig()).align_one(photograph())
    assert aligned.crop is None
    columns = aligned.columns
    assert (columns["status"], columns["reason"]) == ("no_face", "no face found")
    aligned = Aligner(AlignConfig(detector="dlib")).align_one(np.zeros((60, 60, 3), np.uint8))
    assert aligned.crop is None
