"""Measurements of photographs by the backend of the workspace."""

from dataclasses import replace

import numpy as np
import pytest

from faceprep.core.errors import FaceprepError
from faceprep.core.images import read_image
from faceprep.faces.action_units import backend as backends
from faceprep.faces.action_units.backend import AUResult
from faceprep.faces.photographs import read_picture
from faceprep.inference.inputs import read_inputs
from faceprep.inference.measure import FaceMeasurer
from faceprep.workspace import Workspace


class Reader:
    """Backend that reads the picture and answers its brightness, or fails."""

    name, settings = "openface", ("input",)
    fails, missing = False, None

    def available(self, config):
        return self.missing

    def run(self, faces, config, scratch):
        assert not config.aus.whole_sequences
        assert list(scratch.iterdir()) == []
        if self.fails:
            return [AUResult(reason="too dark")] * len(faces)
        pictures = [
            read_picture(
                face.select, face.align, config.aus.input, root=config.dataset_root(),
                align_folder=config.workspace / "align", max_pixels=10**7,
            )
            for face in faces
        ]  # fmt: skip
        levels = [picture.image.mean() / 255 for picture in pictures]
        return [AUResult(np.full(17, level), np.zeros(18, bool)) for level in levels]


@pytest.fixture
def measured_by(unit_painter, tmp_path, monkeypatch):
    """The painter in a workspace whose Action Units a backend estimated."""

    def make(backend: str, **settings: str):
        workspace = Workspace(tmp_path / backend)
        aus = {"backend": backend, **settings}
        workspace.write_info("aus", {"stage": "aus", "settings": aus, "config": {"aus": aus}})
        return replace(unit_painter, workspace=workspace)

    monkeypatch.setattr(backends, "load_backend", lambda name: READERS.get(name) or ORIGINAL(name))
    return make


ORIGINAL = backends.load_backend
READERS = {"openface": Reader()}


@pytest.mark.parametrize("picture", ["source", "crop"])
def test_the_backend_of_the_workspace_measures_photographs(measured_by, photograph, picture):
    generator = measured_by("openface", input=picture)
    (face,) = read_inputs([str(photograph)], generator).faces
    (level,) = set(face.measurements.action_units[0].tolist())
    brightness = read_image(photograph).mean() / 255
    assert (level == pytest.approx(brightness, abs=1e-4)) == (picture == "source")


def test_a_face_without_estimate_is_a_failure(measured_by, photograph, monkeypatch):
    monkeypatch.setattr(Reader, "fails", True)
    with pytest.raises(FaceprepError, match=r"somebody\.png: no Action Units: too dark"):
        read_inputs([str(photograph)], measured_by("openface"))


@pytest.mark.parametrize(
    ("backend", "missing", "why"),
    [
        ("openface-csv", None, "openface-csv reads files on the dataset"),
        ("openface", "not built", "AU backend openface cannot run: not built"),
    ],
)
def test_landmarks_stand_in_with_one_note(
    measured_by, unit_painter, photograph, backend, missing, why, monkeypatch
):
    monkeypatch.setattr(Reader, "missing", missing)
    words = [str(photograph)] * 2
    found = read_inputs(words, measured_by(backend))
    usual = read_inputs(words, unit_painter)
    note = f"Action Units of photographs are estimated from landmarks: {why}"
    assert found.notes() == [note]
    assert usual.notes() == []
    units = [one.measurements.action_units for one in (found, usual)]
    assert (units[0] == units[1]).all()


def test_a_kind_that_needs_no_units_asks_for_no_backend(painter):
    measurer = FaceMeasurer(painter)
    assert (measurer.backend, measurer.notes) == ("landmarks", [])
