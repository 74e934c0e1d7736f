import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders.openface import write_predictors
from builders.openface_recording import FRAMES, Recording

from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.core.images import write_png
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.execution.runner import run_stage
from faceprep.faces.action_units.backend import AUResult, FaceInput, choose
from faceprep.faces.action_units.openface.csv.backend import CsvBackend
from faceprep.faces.action_units.openface.models import estimator
from faceprep.faces.action_units.openface.models.au_models import load_models
from faceprep.faces.action_units.openface.models.backend import ModelsBackend
from faceprep.faces.action_units.openface.models.descriptor import describe, predict_stills
from faceprep.faces.action_units.openface.models.sequence_estimator import SequenceEstimator
from faceprep.faces.action_units.openface.models.tracking import FaceTracker
from faceprep.stages import load_stage
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard

SELECTED = (0, 5, 6, 7)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_predictors(tmp_path_factory.mktemp("openface") / "AU_predictors")


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(tmp_path)


def run(recording: Recording, config: Config, frames=SELECTED, **select: object) -> list[AUResult]:
    faces = [recording.face(frame, **select) for frame in frames]
    return ModelsBackend().run(faces, config, recording.workspace)


def by_sequence(
    recording: Recording, models: Path, landmarks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate the AUs of the whole recording."""
    loaded = load_models(models)
    seen = describe(recording.images, landmarks, loaded)
    estimator = SequenceEstimator(loaded.dynamic)
    estimator.add(seen.hog, seen.geometry, seen.fitted)
    return estimator.estimate()


def assert_same(results, intensities, presences, frames=SELECTED) -> None:
    for result, frame in zip(results, frames, strict=True):
        assert result.reason is None
        np.testing.assert_allclose(result.intensities, intensities[frame], atol=2e-3)
        np.testing.assert_array_equal(result.presences, presences[frame])


def test_stills_are_judged_as_the_models_say(recording, models):
    results = run(recording, recording.config(models), sequence=None)
    loaded = load_models(models)
    chosen = list(SELECTED)
    seen = describe([recording.images[k] for k in chosen], recording.landmarks[chosen], loaded)
    for result, intensities, presences in zip(results, *predict_stills(seen, loaded), strict=True):
        np.testing.assert_allclose(result.intensities, intensities, atol=1e-3)
        np.testing.assert_array_equal(result.presences, presences)
        assert result.variant == "static+align"
        assert 0 <= result.confidence <= 1


def test_a_sequence_whose_frames_are_all_selected(recording, models):
    results = run(recording, recording.config(models), range(FRAMES))
    assert {result.variant for result in results} == {"dynamic+align"}
    assert_same(results, *by_sequence(recording, models, recording.landmarks), range(FRAMES))


def test_frames_that_were_not_selected_count_with_the_landmarks_found_there(recording, models):
    others = [k for k in range(FRAMES) if k not in SELECTED]
    tracker = FaceTracker({k: recording.landmarks[k] for k in SELECTED}, "cpu")
    landmarks = recording.landmarks.copy()
    landmarks[others] = tracker.landmarks(others, [recording.images[k] for k in others])
    wanted = by_sequence(recording, models, landmarks)
    assert_same(run(recording, recording.config(models)), *wanted)
    for k in others:
        recording.paths[k].unlink()
    without = run(recording, recording.config(models))
    changes = [r.intensities - wanted[0][k] for r, k in zip(without, SELECTED, strict=True)]
    assert np.abs(changes).max() > 0.05


@pytest.mark.parametrize("spoil", ["truncated", "black", "gone dark before the first"])
def test_frames_between_without_a_face_count_as_lost(recording, models, spoil):
    lost = [1, 2] if spoil != "gone dark before the first" else [0, 1, 2]
    selected = SELECTED if 0 not in lost else SELECTED[1:]
    for k in lost:
        if spoil == "truncated":
            recording.paths[k].write_bytes(recording.paths[k].read_bytes()[:400])
        else:
            write_png(recording.paths[k], np.zeros_like(recording.images[k]))
    others = [k for k in range(FRAMES) if k not in selected and k not in lost]
    for k in others:  # given black images, so that no face is found
        write_png(recording.paths[k], np.zeros_like(recording.images[k]))
    landmarks = recording.landmarks.copy()
    landmarks[lost + others] = np.nan
    assert_same(
        run(recording, recording.config(models), selected),
        *by_sequence(recording, models, landmarks),
        selected,
    )


def test_a_selected_photograph_that_cannot_be_read_is_a_reason(recording, models):
    recording.paths[5].write_bytes(b"no picture")
    for sequence in ("Anger", None):
        results = run(recording, recording.config(models), sequence=sequence)
        assert "no image" in results[1].reason
        assert results[1].intensities is None
        assert [result.reason for result in results[2:]] == [None, None]


def test_a_photograph_that_changed_since_it_was_selected_is_a_reason(recording, models):
    faces = [recording.face(0), recording.face(6, sha256="0" * 64), recording.face(7)]
    results = ModelsBackend().run(faces, recording.config(models), recording.workspace)
    assert "changed since" in results[1].reason
    assert results[2].reason is None


@pytest.mark.parametrize("sequence", ["Anger", None])
def test_missing_landmarks_are_a_reason(recording, models, sequence):
    faces = [recording.face(frame, sequence=sequence) for frame in SELECTED]
    faces[1].align["landmarks68"] = None
    faces[2].align["landmarks68"] = [64.0] * 136
    results = ModelsBackend().run(faces, recording.config(models), recording.workspace)
    for result in results[1:3]:
        assert "68 landmarks" in result.reason
    assert results[3].reason is None


def test_three_frames_are_no_sequence(tmp_path, models):
    recording = Recording(tmp_path, frames=3)
    results = run(recording, recording.config(models), range(3))
    assert {result.variant for result in results} == {"static+align"}


def test_crops_and_static_settings_judge_every_frame_alone(recording, models):
    static = run(recording, recording.config(models, sequences="static"))
    alone = run(recording, recording.config(models), sequence=None)
    for one, other in zip(static, alone, strict=True):
        assert one.variant == "static+align"
        np.testing.assert_array_equal(one.intensities, other.intensities)
    crops = run(recording, recording.config(models, input="crop"))
    assert {result.variant for result in crops} == {"static+align+crop"}
    assert np.abs(crops[0].intensities - static[0].intensities).max() > 0
    difference = [
        np.abs(c.intensities - s.intensities).mean() for c, s in zip(crops, static, strict=True)
    ]
    assert np.mean(difference) < 0.3


def test_small_batches_give_the_same(recording, models, monkeypatch):
    whole = run(recording, recording.config(models))
    monkeypatch.setattr(estimator, "_BATCH_PICTURES", 3)
    for one, other in zip(whole, run(recording, recording.config(models)), strict=True):
        np.testing.assert_allclose(one.intensities, other.intensities, atol=2e-2)
        assert one.variant == other.variant


def test_no_faces(recording, models):
    assert ModelsBackend().run([], recording.config(models), recording.workspace) == []


def write_csv(recording: Recording, name: str, frames, shift: float = 0.0) -> Path:
    """Write a CSV file of OpenFace without AUs, with shifted points."""
    names = [f"{axis}_{k}" for axis in "xy" for k in range(68)]
    lines = [", ".join(["frame", "face_id", "timestamp", "confidence", "success", *names])]
    for frame in frames:
        points = (recording.landmarks[frame] + shift).T.ravel()
        lines.append(", ".join([f"{frame + 1}, 0, 0.0, 0.98, 1", *(f"{v:.1f}" for v in points)]))
    path = recording.root.parent / "csv" / "P001" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return recording.root.parent / "csv"


def test_landmarks_of_a_csv_file_are_taken_for_every_frame(recording, models):
    folder = write_csv(recording, "Anger.csv", range(FRAMES), shift=2.0)
    config = recording.config(models, landmarks="csv", openface_csv=folder)
    results = run(recording, config)
    assert {result.variant for result in results} == {"dynamic+csv"}
    assert_same(results, *by_sequence(recording, models, (recording.landmarks + 2.0).round(1)))


def test_a_sequence_of_which_csv_files_know_the_selected_frames_alone_is_static(recording, models):
    for frame in SELECTED:
        folder = write_csv(recording, f"Anger/{frame:03d}.csv", [frame])
    results = run(recording, recording.config(models, landmarks="csv", openface_csv=folder))
    assert {(result.reason, result.variant) for result in results} == {(None, "static+csv")}


def test_a_csv_file_that_does_not_fit_is_a_reason(recording, models):
    folder = write_csv(recording, "Anger.csv", range(FRAMES - 2))
    results = run(recording, recording.config(models, landmarks="csv", openface_csv=folder))
    for result in results:
        assert "6 rows but the sequence has 8 frames" in result.reason


def test_it_is_not_available_without_models_and_says_why(recording, models, tmp_path, monkeypatch):
    monkeypatch.delenv("FACEPREP_OPENFACE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    backend = ModelsBackend()
    assert backend.available(recording.config(models)) is None
    assert "aus.openface_models is not set" in backend.available(recording.config(None))
    (tmp_path / "AU_predictors").mkdir()
    reason = backend.available(recording.config(tmp_path / "AU_predictors"))
    assert str(tmp_path / "AU_predictors") in reason
    reason = backend.available(recording.config(models, landmarks="csv"))
    assert "aus.openface_csv is not set" in reason


def test_the_fingerprint_follows_what_changes_the_answers(recording, models, tmp_path):
    def fingerprint(folder=models, **aus):
        return ModelsBackend().fingerprint(recording.config(folder, **aus))

    plain = fingerprint()
    copy = write_predictors(tmp_path / "copy")
    assert fingerprint(copy) == plain
    assert fingerprint(write_predictors(tmp_path / "other", seed=1)) != plain
    assert fingerprint(sequences="static") != plain
    assert fingerprint(input="crop") != plain
    assert fingerprint(input="crop") == fingerprint(input="crop", sequences="static")
    folder = write_csv(recording, "Anger.csv", range(FRAMES))
    files = ModelsBackend().fingerprint(
        recording.config(models, landmarks="csv", openface_csv=folder)
    )
    assert (
        files["csv"]
        == CsvBackend().fingerprint(recording.config(models, openface_csv=folder))["files"]
    )


def test_the_stage_chooses_it_where_the_models_are(recording, models):
    config = recording.config(models)
    assert choose(config).label("dynamic+align") == "openface-models+dynamic+align"
    with pytest.raises(MissingToolError, match="AU backend openface-models cannot run"):
        choose(recording.config(models / "missing"))


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


def test_one_and_two_workers_write_the_same_bytes(recording, models):
    shutil.copytree(recording.root / "P001", recording.root / "P002")
    faces = [recording.face(frame, split="train", fold=0) for frame in SELECTED]
    written = []
    for workers in (1, 2):
        workspace = Workspace(recording.root.parent / str(workers))
        commit(workspace, 0, faces)
        commit(workspace, 1, [someone_else(face) for face in faces])
        config = recording.config(models).model_copy(
            update={"workspace": workspace.root, "workers": workers}
        )
        run_stage(load_stage("aus"), config, Options(), Progress(quiet=True))
        rows = [row for table in workspace.tables("aus") for row in table.to_pylist()]
        assert {row["backend"] for row in rows} == {"openface-models+dynamic+align"}
        written.append([workspace.part("aus", shard).read_bytes() for shard in (0, 1)])
    assert written[0] == written[1]


def someone_else(face: FaceInput) -> FaceInput:
    """Return the face with another subject."""
    changed = {
        key: face.select[key].replace("P001", "P002") for key in ("face_id", "subject", "path")
    }
    align = {**face.align, "face_id": changed["face_id"]}
    return replace(face, select={**face.select, **changed}, align=align)
