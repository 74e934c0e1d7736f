"""Faces of a training, and the reference faces in its file."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from builders.training import crops

from faceprep.generators.targets import references_of
from faceprep.stages.train.faces import collect_references


def test_displacements_are_from_the_neutral_face_of_the_sequence_else_of_the_subject() -> None:
    shown = [("S0", "a", "neutral", 0.1), ("S0", "a", "anger", 0.4), ("S0", "b", "neutral", 0.3)]
    shown += [("S0", None, "happiness", 0.4), ("S1", "a", "anger", 0.9)]  # S1 has no neutral face
    rows = pd.DataFrame(shown, columns=["subject", "sequence", "expression", "place"])
    rows["dataset"] = "folder"
    points = np.broadcast_to(rows["place"].to_numpy()[:, None, None], (5, 68, 2)).astype(np.float32)
    faces = replace(crops(), landmarks=torch.from_numpy(points.copy()))
    found = references_of(collect_references(rows, faces, {"landmarks"}))
    moved = {name: float(values[0, 0, 0]) for name, values in found.landmarks.items()}
    assert moved == pytest.approx({"neutral": 0, "anger": 0.3, "happiness": 0.2}, abs=1e-4)
    assert len(found.landmarks["neutral"]) == 2
    assert found.shape is not None
