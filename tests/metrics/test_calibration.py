"""Calibration of the intensity on edits of training faces."""

import numpy as np
from builders.edits import CLASSES, MadeGenerator, draw_people, true_expression

from faceprep.generators.editor import Editor
from faceprep.metrics.calibration import calibrate


def test_a_calibration_evens_out_a_generator_that_jumps():
    people = draw_people(0, 4)
    straight = true_expression(people)
    late = MadeGenerator(lambda x, asked, strength: straight._edit(x, asked, strength**4))
    maps = calibrate(Editor(late), people, steps=6)
    assert set(maps) == set(CLASSES)
    # Little happens at first, so more has to be asked for.
    assert all(one(0.5) > 0.65 for one in maps.values())
    told = [maps["happiness"](level) for level in np.linspace(0, 1, 9)]
    assert told == sorted(told)
