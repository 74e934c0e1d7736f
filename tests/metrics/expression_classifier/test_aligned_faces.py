"""Aligned faces in memory."""

import numpy as np
import pytest
from builders.edits import draw_people

from faceprep.metrics.expression_classifier.aligned_faces import (
    AlignedFaces,
    LabelledFaces,
)


def test_images_and_labels_must_have_matching_shapes():
    images = np.zeros((2, 8, 8, 3), np.uint8)
    names = np.array(["a", "b"])
    with pytest.raises(ValueError, match="uint8 crops"):
        AlignedFaces(images.astype(np.float32))
    with pytest.raises(ValueError, match="uint8 crops"):
        AlignedFaces(images[:, :4])
    with pytest.raises(ValueError, match="of 2 faces"):
        LabelledFaces(images, expressions=names, subjects=names[:1])


def test_taken_faces_keep_their_features():
    faces = draw_people(0, 2)
    faces.prepare()
    some = faces.take(np.array([4, 1]))
    fresh = AlignedFaces(faces.images[[4, 1]])
    assert some.landmark_hog.mouth == pytest.approx(fresh.landmark_hog.mouth, abs=1e-5)
    assert (some.mirrored_landmark_hog.points == faces.mirrored_landmark_hog.points[[4, 1]]).all()
    assert some.expressions.tolist() == faces.expressions[[4, 1]].tolist()
