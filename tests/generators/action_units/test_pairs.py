"""Pairs of faces of one person."""

from dataclasses import replace

import numpy as np
import torch
from builders.action_units import measured_crops

from faceprep.generators.action_units.pairs import Pairs

LIMIT = 4.0  # the faces are noise


def test_another_expression_of_the_person_is_drawn():
    crops = measured_crops()
    indices = torch.arange(len(crops))
    noise = torch.Generator().manual_seed(0)
    others, found = Pairs(crops).take(indices, np.random.default_rng(0), noise)
    assert bool(found.any())
    for index, other in zip(indices[found].tolist(), others[found].tolist(), strict=True):
        assert crops.subjects[index] == crops.subjects[other]
        assert crops.labels[index] != crops.labels[other]


def test_pairs_occur_if_faces_of_a_person_are_alike_enough():
    crops = measured_crops()
    assert Pairs(crops).occur(LIMIT)
    assert not Pairs(crops).occur(1e-6)
    alone = replace(crops, subjects=tuple(str(n) for n in range(len(crops))))
    assert not Pairs(alone).occur(LIMIT)
