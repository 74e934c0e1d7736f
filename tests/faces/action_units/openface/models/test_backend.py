import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders.openface import write_predictors
from builders.openface_films import FRAMES, Film

from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.core.images import write_png
from faceprep.core.progress import Progress
from faceprep.execution.options import Options
from faceprep.execution.runner import run_stage
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.openface.csv.backend import CsvBackend
from faceprep.faces.action_units.openface.models import estimator
from faceprep.faces.action_units.openface.models.au_models import load_models
from faceprep.faces.action_units.openface.models.backend import ModelsBackend
from faceprep.faces.action_units.openface.models.descriptor import describe, predict_stills
from faceprep.faces.action_units.openface.models.sequence_estimator import SequenceEstimator
from faceprep.faces.action_units.openface.models.tracking import FaceTracker
from faceprep.faces.action_units.registry import choose
from faceprep.stages import load_stage
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard

SELECTED = (0, 5, 6, 7)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_predictors(tmp_path_factory.mktemp("openface") / "AU_predictors")


@pytest.fixture
def film(tmp_path: Path) -> Film:
    return Film(tmp_path)


def run(film: Film, config: Config, frames=SELECTED, **select: object) -> list[AUResult]:
    faces = [film.face(frame, **select) for frame in frames]
    return ModelsBackend().run(faces, config, film.workspace)


def by_sequence(film: Film, models: Path, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The whole film judged at once."""
    loaded = load_models(models)
    seen = describe(film.images, landmarks, loaded)
    estimator = SequenceEstimator(loaded.dynamic)
    estimator.add(seen.hog, seen.geometry, seen.fitted)
    return estimator.estimate()


def assert_same(results, intensities, presences, frames=SELECTED) -> None:
    for result, frame in zip(results, frames, strict=True):
        assert result.reason is None
        np.testing.assert_allclose(result.intensities, intensities[frame], atol=2e-3)
        np.testing.assert_array_equal(result.presences, presences[frame])


def test_stills_are_judged_as_the_models_say(film, models):
    results = run(film, film.config(models), sequence=None)
    loaded = load_models(models)
    chosen = list(SELECTED)
    seen = describe([film.images[k] for k in chosen], film.landmarks[chosen], loaded)
    for result, intensities, presences in zip(results, *predict_stills(seen, loaded), strict=True):
        np.testing.assert_allclose(result.intensities, intensities, atol=1e-3)
        np.testing.assert_array_equal(result.presences, presences)
        assert result.variant == "static+align"
        assert 0 <= result.confidence <= 1


def test_a_sequence_whose_frames_are_all_selected(film, models):
    results = run(film, film.config(models), range(FRAMES))
    assert {result.variant for result in results} == {"dynamic+align"}
    assert_same(results, *by_sequence(film, models, film.landmarks), range(FRAMES))


def test_frames_that_were_not_selected_count_with_the_landmarks_found_there(film, models):
    others = [k for k in range(FRAMES) if k not in SELECTED]
    tracker = FaceTracker({k: film.landmarks[k] for k in SELECTED}, "cpu")
    landmarks = film.landmarks.copy()
    landmarks[others] = tracker.landmarks(others, [film.images[k] for k in others])
    wanted = by_sequence(film, models, landmarks)
    assert_same(run(film, film.config(models)), *wanted)
    for k in others:
        film.paths[k].unlink()
    without = run(film, film.config(models))
    changes = [r.intensities - wanted[0][k] for r, k in zip(without, SELECTED, strict=True)]
    assert np.abs(changes).max() > 0.05


@pytest.mark.parametrize("spoil", ["truncated", "black", "gone dark before the first"])
def test_frames_between_without_a_face_count_as_lost(film, models, spoil):
    lost = [1, 2] if spoil != "gone dark before the first" else [0, 1, 2]
    selected = SELECTED if 0 not in lost else SELECTED[1:]
    for k in lost:
        if spoil == "truncated":
            film.paths[k].write_bytes(film.paths[k].read_bytes()[:400])
        else:
            write_png(film.paths[k], np.zeros_like(film.images[k]))
    others = [k for k in range(FRAMES) if k not in selected and k not in lost]
    for k in others:  # black to all the same, so that nothing has to be found
        write_png(film.paths[k], np.zeros_like(film.images[k]))
    landmarks = film.landmarks.copy()
    landmarks[lost + others] = np.nan
    assert_same(
        run(film, film.config(models), selected), *by_sequence(film, models, landmarks), selected
    )


def test_a_selected_photograph_that_cannot_be_read_is_a_reason(film, models):
    film.paths[5].write_bytes(b"no picture")
    for sequence in ("Anger", None):
        results = run(film, film.config(models), sequence=sequence)
        assert "no image" in results[1].reason
        assert results[1].intensities is None
        assert [result.reason for result in results[2:]] == [None, None]


def test_a_photograph_that_changed_since_it_was_selected_is_a_reason(film, models):
    faces = [film.face(0), film.face(6, sha256="0" * 64), film.face(7)]
    results = ModelsBackend().run(faces, film.config(models), film.workspace)
    assert "changed since" in results[1].reason
    assert results[2].reason is None


@pytest.mark.parametrize("sequence", ["Anger", None])
def test_missing_landmarks_are_a_reason(film, models, sequence):
    faces = [film.face(frame, sequence=sequence) for frame in SELECTED]
    faces[1].align["landmarks68"] = None
    faces[2].align["landmarks68"] = [64.0] * 136
    results = ModelsBackend().run(faces, film.config(models), film.workspace)
    for result in results[1:3]:
        assert "68 landmarks" in result.reason
    assert results[3].reason is None


def test_three_frames_are_no_sequence(tmp_path, models):
    film = Film(tmp_path, frames=3)
    results = run(film, film.config(models), range(3))
    assert {result.variant for result in results} == {"static+align"}


def test_crops_and_static_settings_judge_every_frame_alone(film, models):
    static = run(film, film.config(models, sequences="static"))
    alone = run(film, film.config(models), sequence=None)
    for one, other in zip(static, alone, strict=True):
        assert one.variant == "static+align"
        np.testing.assert_array_equal(one.intensities, other.intensities)
    crops = run(film, film.config(models, input="crop"))
    assert {result.variant for result in crops} == {"static+align+crop"}
    assert np.abs(crops[0].intensities - static[0].intensities).max() > 0
    difference = [
        np.abs(c.intensities - s.intensities).mean() for c, s in zip(crops, static, strict=True)
    ]
    assert np.mean(difference) < 0.3


def test_small_batches_give_the_same(film, models, monkeypatch):
    whole = run(film, film.config(models))
    monkeypatch.setattr(estimator, "_BATCH_PICTURES", 3)
    for one, other in zip(whole, run(film, film.config(models)), strict=True):
        np.testing.assert_allclose(one.intensities, other.intensities, atol=2e-2)
        assert one.variant == other.variant


def test_no_faces(film, models):
    assert ModelsBackend().run([], film.config(models), film.workspace) == []


def write_csv(film: Film, name: str, frames, shift: float = 0.0) -> Path:
    """A CSV file of OpenFace's without AUs; points shifted, to be told apart."""
    names = [f"{axis}_{k}" for axis in "xy" for k in range(68)]
    lines = [", ".join(["frame", "face_id", "timestamp", "confidence", "success", *names])]
    for frame in frames:
        points = (film.landmarks[frame] + shift).T.ravel()
        lines.append(", ".join([f"{frame + 1}, 0, 0.0, 0.98, 1", *(f"{v:.1f}" for v in points)]))
    path = film.root.parent / "csv" / "P001" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return film.root.parent / "csv"


def test_landmarks_of_a_csv_file_are_taken_for_every_frame(film, models):
    folder = write_csv(film, "Anger.csv", range(FRAMES), shift=2.0)
    config = film.config(models, landmarks="csv", openface_csv=folder)
    results = run(film, config)
    assert {result.variant for result in results} == {"dynamic+csv"}
    assert_same(results, *by_sequence(film, models, (film.landmarks + 2.0).round(1)))


def test_a_sequence_of_which_csv_files_know_the_selected_frames_alone_is_static(film, models):
    for frame in SELECTED:
        folder = write_csv(film, f"Anger/{frame:03d}.csv", [frame])
    results = run(film, film.config(models, landmarks="csv", openface_csv=folder))
    assert {(result.reason, result.variant) for result in results} == {(None, "static+csv")}


def test_a_csv_file_that_does_not_fit_is_a_reason(film, models):
    folder = write_csv(film, "Anger.csv", range(FRAMES - 2))
    results = run(film, film.config(models, landmarks="csv", openface_csv=folder))
    for result in results:
        assert "6 rows but the sequence has 8 frames" in result.reason


def test_it_is_not_available_without_models_and_says_why(film, models, tmp_path, monkeypatch):
    monkeypatch.delenv("FACEPREP_OPENFACE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    backend = ModelsBackend()
    assert backend.available(film.config(models)) is None
    assert "aus.openface_models is not set" in backend.available(film.config(None))
    (tmp_path / "AU_predictors").mkdir()
    reason = backend.available(film.config(tmp_path / "AU_predictors"))
    assert str(tmp_path / "AU_predictors") in reason
    reason = backend.available(film.config(models, landmarks="csv"))
    assert "aus.openface_csv is not set" in reason


def test_the_fingerprint_follows_what_changes_the_answers(film, models, tmp_path):
    def fingerprint(folder=models, **aus):
        return ModelsBackend().fingerprint(film.config(folder, **aus))

    plain = fingerprint()
    copy = write_predictors(tmp_path / "copy")
    assert fingerprint(copy) == plain
    assert fingerprint(write_predictors(tmp_path / "other", seed=1)) != plain
    assert fingerprint(sequences="static") != plain
    assert fingerprint(input="crop") != plain
    assert fingerprint(input="crop") == fingerprint(input="crop", sequences="static")
    folder = write_csv(film, "Anger.csv", range(FRAMES))
    files = ModelsBackend().fingerprint(film.config(models, landmarks="csv", openface_csv=folder))
    assert (
        files["csv"] == CsvBackend().fingerprint(film.config(models, openface_csv=folder))["files"]
    )


def test_the_stage_chooses_it_where_the_models_are(film, models):
    config = film.config(models)
    assert choose(config).label("dynamic+align") == "openface-models+dynamic+align"
    with pytest.raises(MissingToolError, match="AU backend openface-models cannot run"):
        choose(film.config(models / "missing"))


def commit(workspace: Workspace, shard: int, faces: Sequence[FaceInput]) -> None:
    """Write a finished shard of select and of align."""
    for stage, rows in (("select", [f.select for f in faces]), ("align", [f.align for f in faces])):
        with pending_shard(workspace, stage, shard) as pending:
            pending.commit(
                table_from_rows(stage, rows),
                input_hash="input",
                config_hash="config",
                provenance={},
                seconds=0.0,
            )
        workspace.write_info(stage, {"stage": stage, "shards": shard + 1})


def test_one_and_two_workers_write_the_same_bytes(film, models):
    shutil.copytree(film.root / "P001", film.root / "P002")
    faces = [film.face(frame, split="train", fold=0) for frame in SELECTED]
    written = []
    for workers in (1, 2):
        workspace = Workspace(film.root.parent / str(workers))
        commit(workspace, 0, faces)
        commit(workspace, 1, [someone_else(face) for face in faces])
        config = film.config(models).model_copy(
            update={"workspace": workspace.root, "workers": workers}
        )
        run_stage(load_stage("aus"), config, Options(), Progress(quiet=True))
        rows = [row for table in workspace.tables("aus") for row in table.to_pylist()]
        assert {row["backend"] for row in rows} == {"openface-models+dynamic+align"}
        written.append([workspace.part("aus", shard).read_bytes() for shard in (0, 1)])
    assert written[0] == written[1]


def someone_else(face: FaceInput) -> FaceInput:
    """The same face as another subject's."""
    changed = {
        key: face.select[key].replace("P001", "P002") for key in ("face_id", "subject", "path")
    }
    align = {**face.align, "face_id": changed["face_id"]}
    return replace(face, select={**face.select, **changed}, align=align)
