"""Estimates of how long a training takes."""

from faceprep.training.pace import Pace
from faceprep.training.trainer import Phase

PHASES = [Phase("controller", 20, 8, 1e-3), Phase("joint", 100, 16, 1e-3)]


def test_phases_to_come_count_by_their_batch_until_they_are_measured() -> None:
    pace = Pace(PHASES, {})
    assert pace.left(0, 1) is None
    pace.add(0, 60.0)  # the first step of a command is slower
    assert pace.left(0, 1) is None
    for _ in range(9):
        pace.add(0, 1.0)
    assert pace.left(0, 10) == 10 + 100 * 2
    assert pace.announcement(0, 10) is None  # after ten measured steps
    pace.add(0, 1.0)
    said = "train: about 3 min for the remaining 109 steps, measured over 10 steps of controller"
    assert pace.announcement(0, 11) == f"{said}; joint may take longer"
    assert pace.announcement(0, 11) is None
    pace.add(1, 5.0)
    assert pace.left(1, 1) == 99 * 5


def test_an_earlier_command_is_the_measure_until_there_is_another() -> None:
    pace = Pace(PHASES, {"joint": 3.0})
    assert pace.left(1, 60) == 40 * 3
    pace.add(1, 9.0)
    pace.add(1, 2.0)
    assert pace.left(1, 62) == 38 * 2
