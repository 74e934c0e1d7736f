"""Measurements of source faces, from manifests."""

import numpy as np
import pytest
from builders.training import toy_workspace

from faceprep.core.errors import UsageError
from faceprep.metrics.workspace_faces import measurements_of_faces

BOTH = frozenset({"action_units", "landmarks"})


def test_manifests_give_both_in_the_order_of_the_faces(tmp_path):
    workspace = toy_workspace(tmp_path, measured=True)
    ids = ["folder/S0/surprise", "folder/S0/anger"]  # labels 3 and 0
    found = measurements_of_faces(workspace, ids, BOTH)
    assert found.action_units[:, 0].tolist() == [3, 0]
    assert found.landmarks[:, 0, 0] == pytest.approx(np.array([4, 1]) / 32)
    nothing = measurements_of_faces(workspace, ids, frozenset())
    assert nothing.action_units is None
    assert nothing.landmarks is None


def test_a_stage_that_has_not_run_is_named(tmp_path):
    workspace = toy_workspace(tmp_path)
    with pytest.raises(UsageError, match="aus has not run"):
        measurements_of_faces(workspace, ["folder/S0/anger"], BOTH)
