"""A face driven by a clip."""

from pathlib import Path

import numpy as np
import pytest
from builders.units import UnitPainter, painted

from faceprep.core.errors import Again, FaceprepError, UsageError
from faceprep.core.images import write_png
from faceprep.core.progress import Progress
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.inference.clip import Clip, open_clip
from faceprep.inference.generator import open_generator
from faceprep.inference.inputs import read_inputs
from faceprep.inference.measure import FaceMeasurer
from faceprep.inference.reenact import Drive, check_window, measure_clip, reenact, smoothed
from faceprep.workspace.artifacts import generator_file

QUIET = Progress(quiet=True)
SMILE = INTENSITY_AUS.index("AU12")


@pytest.fixture
def face(unit_painter):
    return read_inputs(["folder/S4/happiness"], unit_painter).faces[0]


@pytest.fixture(scope="module")
def drive(unit_workspace, clip_folder):
    generator = open_generator(unit_workspace, generator_file(unit_workspace, UnitPainter.kind))
    return measure_clip(open_clip(str(clip_folder), 10**7), generator, 1, QUIET)


def made(units: np.ndarray, neutral: list[int]) -> Drive:
    clip = Clip(Path("clip"), (), 25, None, 1)
    missing = np.zeros(len(units), bool)
    return Drive(clip, units, missing, neutral, [None] * len(units))


def test_a_smile_is_measured_relative_to_rest(drive) -> None:
    assert drive.neutral == [0]
    assert drive.missing.tolist() == [False, False, False, True, False, False]
    change = drive.change(window=1)
    assert change.shape == (6, 17)
    assert (change[0] == 0).all()
    assert change[5, SMILE] > 1
    # Without a face, the units are those between its neighbours.
    assert drive.units[3] == pytest.approx((drive.units[2] + drive.units[4]) / 2)
    held = drive.held_crops()
    assert len(held) == 6
    assert (held[3] == held[2]).all()


def test_the_face_gets_its_own_units_plus_the_change(drive, face, unit_painter) -> None:
    done = reenact(face, drive, window=1)
    wanted = (1 + drive.change(1)).clip(0, 5)
    assert done.asked == pytest.approx(wanted, abs=1e-5)
    frames = list(done.frames(unit_painter))
    assert len(frames) == 6
    for image, asked in zip(frames, wanted, strict=True):
        assert list(painted(image).values()) == pytest.approx(asked.tolist(), abs=0.07)


def test_changes_are_clipped_to_the_scale(face) -> None:
    units = np.zeros((3, 17))
    units[0], units[1] = 5, 2
    assert reenact(face, made(units, [1]), 1).asked[:, 0].tolist() == [4, 1, 0]
    assert reenact(face, made(units, [2]), 1).asked[:, 0].tolist() == [5, 3, 1]
    assert reenact(face, made(units, [1, 2]), 1).asked[:, 0].tolist() == [5, 2, 0]


def test_smoothing_keeps_parabolas_and_removes_noise() -> None:
    time = np.arange(20.0)[:, None]
    parabola = np.tile(0.01 * time**2, (1, 17))
    assert smoothed(parabola, 5) == pytest.approx(parabola)
    noise = np.random.default_rng(0).normal(0, 0.3, parabola.shape)
    before, after = np.abs(noise).mean(), np.abs(smoothed(parabola + noise, 7) - parabola).mean()
    assert after < 0.7 * before
    assert (smoothed(noise, 1) == noise).all()
    # A clip that is shorter than the window gets a shorter one.
    assert smoothed(noise[:4], 9).shape == (4, 17)
    assert (smoothed(noise[:2], 5) == noise[:2]).all()


def test_the_filter_is_named(face) -> None:
    long, short = (reenact(face, made(np.zeros((n, 17)), [0]), 5).smoothing for n in (9, 4))
    assert long == {"filter": "Savitzky-Golay", "window": 5, "order": 2}
    assert short == {"filter": "Savitzky-Golay", "window": 3, "order": 2}
    for window in (0, -1, 4):
        with pytest.raises(UsageError, match="odd number of frames") as caught:
            check_window(window)
        check_window(caught.value.hint.overrides["smooth"])


def test_a_neutral_frame_may_be_named(clip_folder, unit_painter) -> None:
    clip = open_clip(str(clip_folder), 10**7)
    assert measure_clip(clip, unit_painter, 2, QUIET).neutral == [1]
    for number, message in ((4, "frame 4 of .*: no face"), (7, "has frames 1 to 6, not 7")):
        with pytest.raises(UsageError, match=message) as caught:
            measure_clip(clip, unit_painter, number, QUIET)
        assert caught.value.hint[0] in (Again({"neutral": 3}), Again({"neutral": 6}))


def test_a_clip_without_a_face_is_refused(unit_painter, tmp_path) -> None:
    for number in range(3):
        write_png(tmp_path / f"{number}.png", np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(FaceprepError, match="none of 3 frames shows a face: no face found"):
        measure_clip(open_clip(str(tmp_path), 10**7), unit_painter, None, QUIET)


def test_another_backend_measures_frames_once(unit_painter, clip_folder, monkeypatch) -> None:
    calls: list[object] = []
    measure = FaceMeasurer.measure

    def watched(self, images, aligned, neutral68=None):
        calls.append(neutral68)
        return measure(self, images, aligned, neutral68)

    monkeypatch.setattr(FaceMeasurer, "measure", watched)
    monkeypatch.setattr(FaceMeasurer, "backend", "openface")
    found = measure_clip(open_clip(str(clip_folder), 10**7), unit_painter, None, QUIET)
    assert calls == [None]
    totals = np.where(found.missing, np.inf, found.units.sum(axis=1))
    assert found.neutral == [totals.argmin()]
