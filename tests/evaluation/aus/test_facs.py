import numpy as np

from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.evaluation.aus.facs import coded_frames, translate


def read(code):
    coded = translate([code])
    intensities = dict(zip(INTENSITY_AUS, coded.intensities[0], strict=True))
    presences = dict(zip(PRESENCE_AUS, coded.presences[0], strict=True))
    return intensities, presences, coded.not_estimated


def test_grades_are_intensities_and_what_is_not_coded_is_absent():
    intensities, presences, others = read({"AU12": 4.0, "AU06": 1.0})
    assert intensities == dict.fromkeys(INTENSITY_AUS, 0) | {"AU12": 4, "AU06": 1}
    assert presences == dict.fromkeys(PRESENCE_AUS, 0) | {"AU12": 1, "AU06": 1}
    assert others == {}


def test_present_but_not_graded_counts_as_present_only():
    intensities, presences, _ = read({"AU25": 0.0, "AU04": 9.0, "AU28": 3.0})
    assert np.isnan(intensities["AU25"])
    assert np.isnan(intensities["AU04"])
    assert (presences["AU25"], presences["AU04"], presences["AU28"]) == (1, 1, 1)


def test_other_codes_of_the_same_movement():
    intensities, presences, others = read({"AU27": 5.0, "AU43": 2.0})
    assert np.isnan(intensities["AU26"])
    assert np.isnan(intensities["AU45"])
    assert (presences["AU26"], presences["AU45"]) == (1, 1)
    assert others == {}
    for code in ({"AU26": 3.0, "AU27": 5.0}, {"AU27": 5.0, "AU26": 3.0}):
        assert read(code)[0]["AU26"] == 3


def test_units_without_an_estimate_are_counted():
    coded = translate([{"AU24": 2.0, "AU12": 1.0}, {"AU24": 0.0, "AU16": 1.0}, {}])
    assert coded.not_estimated == {"AU16": 1, "AU24": 2}
    assert coded.intensities.shape == (3, 17)


def test_nothing_coded():
    coded = translate([])
    assert (coded.intensities.shape, coded.presences.shape) == ((0, 17), (0, 18))


def test_the_coded_frame_is_the_last_of_its_sequence():
    rows = [
        ("S005", "001", 1, "neutral"),
        ("S005", "001", 10, "peak"),
        ("S005", "001", 11, "peak"),
        ("S005", "002", 7, "peak"),
        ("S006", "001", 21, "peak"),
        ("S006", "001", 20, "peak"),
        ("S007", "001", 3, "neutral"),
        ("S008", None, 4, "still"),
    ]
    assert coded_frames(*zip(*rows, strict=True)) == [2, 3, 4]
