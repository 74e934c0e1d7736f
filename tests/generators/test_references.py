"""Reference faces in a generator's file."""

import pytest

from faceprep.core.errors import UsageError
from faceprep.generators.references import REFERENCES, references_of


def test_reference_faces_are_read_and_malformed_ones_refused():
    stored = {"action_units": {"anger": [[1.0] * 17]}, "landmarks": {"anger": [[[0.1, 0.2]] * 68]}}
    found = references_of({REFERENCES: stored})
    assert found.action_units["anger"].shape == (1, 17)
    assert found.landmarks["anger"].shape == (1, 68, 2)
    assert references_of({}).action_units == {}
    for wrong in (
        {"action_units": {"anger": [[1.0] * 16]}},
        {"action_units": {"anger": []}},
        {"landmarks": {"anger": [[[float("nan"), 0]] * 68]}},
        {"landmarks": [1]},
        3,
    ):
        with pytest.raises(UsageError, match="reference faces"):
            references_of({REFERENCES: wrong})
