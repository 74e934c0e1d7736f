"""Test agreement with OpenFace on people not used for calibration.

The limits are about 0.1 below the results of `benchmarks/action_units.py` on all photographs.
"""

import zlib

import numpy as np
import pandas as pd
import pytest

from faceprep.core.images import read_image
from faceprep.core.vocabulary import COLUMNS_R, INTENSITY_AUS
from faceprep.faces.action_units.landmark_estimator import estimate, reliability
from faceprep.faces.dlib.landmark_predictor import LandmarkPredictor
from faceprep.faces.mtcnn.detector import MTCNN

# With the points of OpenFace, then of faceprep.
FLOORS = {
    "AU01": (0.45, 0.4),
    "AU02": (0.7, 0.5),
    "AU05": (0.45, 0.4),
    "AU06": (0.7, 0.65),
    "AU09": (0.55, 0.45),
    "AU10": (0.55, 0.5),
    "AU12": (0.75, 0.75),
    "AU14": (0.55, 0.45),
    "AU15": (0.65, 0.45),
    "AU25": (0.7, 0.45),
    "AU45": (0.7, 0.6),
}


@pytest.fixture(scope="module")
def held_out(shared):
    """Return the rows of OpenFace's table for subjects not used for calibration."""
    table = pd.read_csv(shared / "reference" / "openface_photos.csv")
    labels = pd.read_csv(shared / "faces" / "labels.csv")
    table = table[table["confidence"] > 0.7].merge(labels, on="image")
    return table[[zlib.crc32(name.encode()) % 2 == 1 for name in table["subject"]]]


def agreement(table, intensities):
    known = table[list(COLUMNS_R)].to_numpy()
    return {
        au: np.corrcoef(known[:, k], intensities[:, k])[0, 1] for k, au in enumerate(INTENSITY_AUS)
    }


def test_on_the_landmarks_of_openface(held_out):
    axes = [held_out[[f"{axis}_{k}" for k in range(68)]].to_numpy() for axis in "xy"]
    found = agreement(held_out, estimate(np.stack(axes, axis=-1)).intensities)
    assert {au: r for au, r in found.items() if au in FLOORS and r < FLOORS[au][0]} == {}


def test_on_landmarks_of_this_package(held_out, shared):
    table = held_out.iloc[::4]
    images = [read_image(shared / "faces" / "images" / name) for name in table["image"]]
    detected = MTCNN().detect(images)
    seen = [k for k, faces in enumerate(detected) if faces]
    assert len(seen) > 0.95 * len(images)
    points = LandmarkPredictor().predict_many(
        [images[k] for k in seen], [detected[k][0] for k in seen]
    )
    found = agreement(table.iloc[seen], estimate(points).intensities)
    assert {au: r for au, r in found.items() if au in FLOORS and r < FLOORS[au][1]} == {}
    assert np.mean(list(found.values())) > 0.5


def test_published_reliability_says_which_aus_points_do_not_show():
    poor = {au for au, r in reliability().items() if r < 0.4}
    assert {"AU17", "AU23", "AU26"} <= poor
    assert not poor & set(FLOORS)
