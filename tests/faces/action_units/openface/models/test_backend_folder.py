from pathlib import Path

import pytest
from builders.openface import write_predictors

from faceprep.config import AusConfig
from faceprep.core.errors import MissingToolError
from faceprep.faces.action_units.openface.models.backend import models_of


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_predictors(tmp_path_factory.mktemp("openface") / "AU_predictors")


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FACEPREP_OPENFACE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))


@pytest.fixture(params=["beside", "above"])
def program(request: pytest.FixtureRequest, tmp_path: Path, models: Path) -> Path:
    """Create a build with the models beside the program or, as installed, in etc/."""
    program = tmp_path / "build" / "bin" / "FaceLandmarkImg"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    place = program.parent if request.param == "beside" else tmp_path / "build/etc/OpenFace"
    place.mkdir(parents=True, exist_ok=True)
    (place / "AU_predictors").symlink_to(models)
    return program


def test_the_folder_that_is_set(models):
    assert models_of(AusConfig(openface_models=models)).digest
    assert models_of(AusConfig(openface_models=models.parent)).digest


def test_models_beside_the_programs_that_are_set(program, models):
    wanted = models_of(AusConfig(openface_models=models)).digest
    assert models_of(AusConfig(openface_bin=str(program))).digest == wanted
    assert models_of(AusConfig(openface_bin=str(program.parent))).digest == wanted


def test_models_beside_the_programs_of_the_environment(program, monkeypatch):
    monkeypatch.setenv("FACEPREP_OPENFACE", str(program.parent))
    assert models_of(AusConfig()).digest


def test_models_beside_the_programs_on_the_path(program, monkeypatch, tmp_path):
    link = tmp_path / "links" / "FaceLandmarkImg"
    link.parent.mkdir()
    link.symlink_to(program)
    monkeypatch.setenv("PATH", str(link.parent))
    assert models_of(AusConfig()).digest


@pytest.mark.parametrize("text", ["docker run -v {folder}:{folder} IMAGE {tool}", "/no/such", ""])
def test_a_command_line_is_no_place(text):
    with pytest.raises(MissingToolError, match=r"aus\.openface_models is not set") as caught:
        models_of(AusConfig(openface_bin=text))
    assert "aus.openface_models" in caught.value.hint


def test_a_folder_that_is_set_but_wrong_is_not_replaced_by_another(program, monkeypatch, tmp_path):
    monkeypatch.setenv("FACEPREP_OPENFACE", str(program))
    with pytest.raises(MissingToolError, match="empty"):
        models_of(AusConfig(openface_models=tmp_path / "empty"))
