"""The intensity maps in a generator's file."""

import pytest

from faceprep.core.errors import UsageError
from faceprep.generators.calibration import CALIBRATION, IntensityMap, calibration_of


def test_maps_survive_json_and_malformed_maps_are_refused():
    one = IntensityMap((0.0, 0.8, 1.0), (0.0, 0.5, 1.0))
    assert calibration_of({CALIBRATION: {"anger": one.to_json()}}) == {"anger": one}
    assert calibration_of({}) == {}
    for wrong in (
        {"anger": {"asked": [0, 1]}},
        {"anger": {"asked": [0, 1], "told": [0, "x"]}},
        {"anger": {"asked": [0, 1], "told": [1, 0]}},
        {"anger": {"asked": [0, 0.5, 1], "told": [0, 1]}},
        {"anger": {"asked": [0, float("nan"), 1], "told": [0, 0.5, 1]}},
        {"anger": 3},
        ["anger"],
    ):
        with pytest.raises(UsageError, match="calibration"):
            calibration_of({CALIBRATION: wrong})
