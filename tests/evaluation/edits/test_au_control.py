"""Generators by Action Units whose behaviour is known, and their numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from builders.edits import draw_people, tensor
from builders.toy_generators import ActionUnitToy, registered
from torch import Tensor

from faceprep.core.progress import Progress
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.evaluation.edits import au_control
from faceprep.evaluation.edits.au_control import AUControl
from faceprep.evaluation.edits.au_result import AUReport
from faceprep.generators.base import Edited, Target
from faceprep.generators.editor import Editor
from faceprep.generators.targets import Measurements, References
from faceprep.metrics.au_error import measure_aus, neutral_landmarks
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces, LabelledFaces

CLASSES = ("anger", "happiness", "neutral", "surprise")
PEOPLE = 3

#: Crops ``(B, 3, S, S)`` and their target → the edited crops.
Edit = Callable[[Tensor, Target], Tensor]


class MadeByAUs:
    kind, preset, classes, size = ActionUnitToy.kind, "made", CLASSES, 64

    def __init__(self, edit: Edit) -> None:
        self._edit = edit

    def edit(self, images: Tensor, target: Target) -> Edited:
        return Edited(self._edit(images, target))


@pytest.fixture(scope="module")
def faces() -> LabelledFaces:
    """People with their AUs as the stage `aus` measures them, relative to the neutral face."""
    drawn = draw_people(200, PEOPLE, CLASSES)
    aus = measure_aus(drawn.landmarks68, neutral_landmarks(drawn, drawn.subjects))
    measured = replace(drawn, measurements=Measurements(aus.astype(np.float32)))
    measured.__dict__["landmarks68"] = drawn.landmarks68
    return measured


@pytest.fixture(scope="module")
def report_of(faces: LabelledFaces) -> Iterator[Callable[..., AUReport]]:
    """Evaluate a generator; few sweeps, because each takes six sets of landmarks."""

    def run(edit: Edit, intensities: Sequence[float] = (0.5,), **some: LabelledFaces) -> AUReport:
        test = some.get("test", faces)
        units = faces.measurements.action_units
        peaks = {name: units[faces.expressions == name] for name in CLASSES}
        editor = Editor(MadeByAUs(edit), references=References(action_units=peaks))
        control = AUControl(editor, test, some.get("people", faces))
        for expression in CLASSES:
            edited = np.flatnonzero(test.expressions != expression)
            sources = test.take(edited)
            edits = {
                t: AlignedFaces(editor.edit(sources.images, expression, t, sources.measurements))
                for t in (1.0, *intensities)
            }
            control.add(expression, edited, edits, dict.fromkeys(edits, 0.25))
        return control.report(intensities, 0, Progress(quiet=True))

    with registered(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(au_control, "SWEPT", ("AU01", "AU25"))
        yield run


@pytest.fixture(scope="module")
def copied(report_of) -> AUReport:
    return report_of(lambda x, target: x)


def test_a_copy_has_the_error_of_a_copy(copied, faces):
    assert copied.error.ratio == copied.change.ratio == 1
    assert (copied.own_change, copied.background, copied.rho) == (0, 0, 0)
    assert np.isnan(copied.inside)
    # Measured as the AUs of the faces were measured, and requested are the means of the peaks.
    assert copied.measurement_error == pytest.approx(0, abs=1e-6)
    units = np.float64(faces.measurements.action_units)
    wanted = [
        np.abs(units[faces.expressions == name].mean(0) - own)
        for name in CLASSES
        for own in units[faces.expressions != name]
    ]
    found = [row.error.copy for row in copied.aus]
    assert found == pytest.approx(np.mean(wanted, axis=0), abs=1e-5)
    varies = np.array([row.varies for row in copied.aus])
    assert copied.error.copy == pytest.approx(np.mean(wanted, axis=0)[varies].mean(), abs=1e-5)
    assert {row.au for row in copied.aus if row.varies} >= {"AU12", "AU25", "AU26"}
    assert [row.au for row in copied.aus] == list(INTENSITY_AUS)
    assert copied.neutral_faces == copied.sweep_faces == PEOPLE * len(CLASSES)


def test_an_even_change_has_the_area_s_share(report_of):
    report = report_of(lambda x, target: (x + 20 / 255).clamp(-1, 1))
    assert report.own_change == pytest.approx(10, abs=0.2)  # but for pixels that are white
    assert report.background == pytest.approx(10, abs=0.2)
    for one in report.expressions:
        assert one.inside == pytest.approx(one.area, abs=0.02)


def test_a_change_of_the_mouth_is_inside_the_regions_of_the_mouth(report_of, faces):
    column, row = faces.landmarks68[:, 48:].mean(axis=(0, 1)).round().astype(int)

    def paint(x: Tensor, target: Target) -> Tensor:
        x = x.clone()
        x[..., row - 1 : row + 2, column - 3 : column + 4] *= -1
        return x

    rows = {row.au: row for row in report_of(paint).aus}
    assert rows["AU25"].inside == 1
    assert rows["AU01"].inside == 0
    assert 0 < rows["AU25"].area < 0.5
    assert np.isnan(rows["AU12"].inside)  # not swept here


def own_face_with(faces: LabelledFaces, weights: Tensor, sign: float = 1) -> Edit:
    """Return the person's own face whose weighted AUs are nearest to the requested ones."""
    known, units = tensor(faces.images), torch.from_numpy(faces.measurements.action_units)

    def edit(x: Tensor, target: Target) -> Tensor:
        out = []
        for one, asked in zip(x, target.require("action_units"), strict=True):
            nearest = int((known - one).abs().mean(dim=(1, 2, 3)).argmin())
            own = torch.from_numpy(faces.subjects == faces.subjects[nearest])
            distance = ((sign * units - asked).abs() * weights).sum(1)
            out.append(known[int(distance.masked_fill(~own, 1e3).argmin())])
        return torch.stack(out)

    return edit


def test_a_sweep_follows_the_requested_au(report_of, faces):
    mouth = torch.zeros(len(INTENSITY_AUS))
    mouth[INTENSITY_AUS.index("AU25")] = 1
    up, down = (
        {row.au: row.rho for row in report_of(own_face_with(faces, mouth, sign)).aus}
        for sign in (1, -1)
    )
    assert up["AU25"] > 0.6
    assert down["AU25"] <= 0  # always the smallest: it does not change
    assert np.isnan(up["AU12"])


def test_true_expressions_have_a_low_error_and_a_curve(report_of, copied, faces):
    report = report_of(own_face_with(faces, torch.ones(17)), intensities=(0.0, 0.25))
    assert report.error.ratio < 0.6
    assert report.error.copy == copied.error.copy
    assert report.own_change == 0  # its own face is nearest to its own AUs
    rows = {row.au: row for row in report.aus}
    assert rows["AU12"].r > 0.8
    assert report.inside > report.area
    assert [point.intensity for point in report.curve] == [0, 0.25, 1]
    assert report.curve[0].error == pytest.approx(report.error.copy)
    assert report.curve[-1].error == report.error.edit
    assert {point.distance for point in report.curve} == {0.25}


def test_without_neutral_faces_aus_are_measured_as_of_single_photographs(report_of, copied, faces):
    some = faces.take(faces.expressions != "neutral")
    with_them, without = (
        report_of(lambda x, target: x, test=some, people=people) for people in (faces, some)
    )
    assert (with_them.neutral_faces, without.neutral_faces) == (len(some), 0)
    assert with_them.measurement_error == pytest.approx(0, abs=1e-6)
    assert without.measurement_error > 0.1
