import math

import pytest

from faceprep.report.numbers import number


@pytest.mark.parametrize(
    ("value", "text"), [(0.456, "0.46"), (-0.3, "-0.30"), (-0.001, "0.00"), (math.nan, "–")]
)
def test_numbers(value, text):
    assert number(value) == text
