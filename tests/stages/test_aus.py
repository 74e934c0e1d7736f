import numpy as np
import pyarrow as pa
import pytest

from faceprep.cli.remedies import spell
from faceprep.config import Config
from faceprep.core.errors import FaceprepError, MissingToolError, UsageError
from faceprep.core.files import digest
from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R
from faceprep.execution.plan import Options, plan_stage
from faceprep.execution.stage import ShardOutput
from faceprep.faces.action_units import backend as backends
from faceprep.faces.action_units.backend import AUResult, choose
from faceprep.faces.action_units.face_shape import mean_face
from faceprep.faces.action_units.landmark_estimator import LandmarkBackend
from faceprep.stages import load_stage
from faceprep.stages.aus import STAGE, neutral_points
from faceprep.workspace import manifest
from faceprep.workspace.pending import pending_shard

FACE = mean_face()[:, :2] * 40 + [64, 70]
SMILE = FACE.copy()
SMILE[[48, 60]] += [-6, -6]
SMILE[[54, 64]] += [6, -6]

# name, sequence, role, points (None: not aligned)
SHARD = [
    ("a/0", "1", "neutral", FACE + 1),
    ("a/1", "1", "neutral", FACE - 1),
    ("a/2", "1", "peak", SMILE),
    ("b/0", "2", "neutral", None),
    ("b/1", "2", "peak", SMILE),
    ("c", None, "still", SMILE),
    ("d", None, "neutral", FACE),
]


def select_row(name, sequence, role):
    return {"face_id": name, "subject": name[0], "sequence": sequence, "role": role}


def align_row(name, points):
    if points is None:
        return {"face_id": name, "status": "no_face", "landmarks68": None}
    return {"face_id": name, "status": "ok", "landmarks68": points.ravel().tolist()}


@pytest.fixture
def inputs():
    return {
        "select": [select_row(name, sequence, role) for name, sequence, role, _ in SHARD],
        "align": [align_row(name, points) for name, _, _, points in SHARD],
    }


@pytest.fixture
def run(tmp_path):
    def process(inputs, todo=None, config=None):
        todo = range(len(inputs["select"])) if todo is None else todo
        out = ShardOutput(tmp_path / "images", "images/00000", tmp_path / "progress")
        return STAGE.process(inputs, todo, config or Config(name="t"), out)

    return process


class Other:
    """A backend with answers made to order."""

    name = "other"

    def __init__(self, results, missing=None):
        self.results, self.missing = results, missing

    def available(self, config):
        return self.missing

    def fingerprint(self, config):
        return {"other": 1}

    def run(self, faces, config, scratch):
        assert not any(scratch.iterdir())
        self.seen = faces
        return self.results[: len(faces)]


@pytest.fixture
def use(monkeypatch):
    def install(*others):
        made = {other.name: other for other in others}
        monkeypatch.setattr(backends, "BACKENDS", dict.fromkeys(made, "…"))
        monkeypatch.setattr(backends, "AUTO_ORDER", tuple(made))
        monkeypatch.setattr(backends, "load_backend", made.__getitem__)

    return install


def test_the_stage_is_found_by_name():
    assert load_stage("aus") is STAGE
    assert STAGE.upstream == ("select", "align")


def test_every_row_fits_the_manifest(inputs, run):
    rows = run(inputs)
    table = manifest.table_from_rows("aus", rows)
    manifest.validate(table, "aus")
    assert table.column("face_id").to_pylist() == [name for name, *_ in SHARD]
    assert isinstance(table, pa.Table)


def test_faces_that_were_not_aligned_are_skipped_with_the_reason(inputs, run):
    row = run(inputs)[3]
    assert (row["status"], row["reason"]) == ("skipped", "align: no_face")
    assert row.get("AU12_r") is None


def test_faces_of_a_sequence_are_compared_with_its_neutral_frames(inputs, run):
    rows = {row["face_id"]: row for row in run(inputs)}
    assert rows["a/2"]["backend"].startswith("landmarks+neutral")
    for alone in ("b/1", "c", "d"):  # neutral frame not aligned, no sequence, no sequence
        assert rows[alone]["backend"] == "landmarks"
    assert rows["a/2"]["AU12_r"] > 1
    assert rows["a/2"]["AU12_c"] is True
    assert rows["b/1"]["AU12_r"] == rows["c"]["AU12_r"]
    assert max(rows["a/0"][column] for column in COLUMNS_R) == 0
    assert not any(rows["a/0"][column] for column in COLUMNS_C)


def test_neutral_frames_are_averaged_by_subject_and_sequence(inputs):
    found = neutral_points(inputs["select"], inputs["align"])
    assert set(found) == {("a", "1")}
    np.testing.assert_allclose(found["a", "1"], FACE)


def test_the_same_sequence_name_of_another_subject_is_another_sequence(inputs, run):
    inputs["select"].append(select_row("e", "1", "peak"))
    inputs["align"].append(align_row("e", SMILE))
    assert not run(inputs)[-1]["backend"].startswith("landmarks+neutral")


def test_only_what_is_to_do_is_done_but_neutral_frames_are_found_anywhere(inputs, run):
    everything = run(inputs)
    assert run(inputs, todo=[5, 2]) == [everything[5], everything[2]]
    assert run(inputs, todo=[]) == []


def test_a_backend_sees_the_whole_sequence_of_a_face_to_do_again(inputs, run, use):
    other = Other([AUResult(np.full(17, float(k)), np.ones(18, bool)) for k in range(3)])
    use(other)
    (row,) = run(inputs, todo=[2])
    assert [face.select["face_id"] for face in other.seen] == ["a/0", "a/1", "a/2"]
    assert (row["face_id"], row["AU12_r"]) == ("a/2", 2.0)


def test_missing_landmarks_fail_with_a_reason(inputs, run):
    inputs["align"][5]["landmarks68"] = None
    inputs["align"][6]["landmarks68"] = [float("nan")] * 136
    rows = run(inputs)
    for row in rows[5:]:
        assert row["status"] == "au_failed"
        assert "landmarks" in row["reason"]
    assert rows[2]["status"] == "ok"


def test_a_shard_without_faces(run):
    assert run({"select": [], "align": []}) == []


def test_a_backend_named_by_the_user_gives_no_reason(inputs, run):
    config = Config(name="t", aus={"backend": "landmarks"})
    assert run(inputs, config=config)[5]["backend"] == "landmarks"


def test_settings_name_the_backend_and_the_numbers():
    settings = STAGE.settings(Config(name="t"))
    assert settings["backend"].startswith("landmarks")
    assert len(settings["coefficients"]) == 16


def test_unknown_backends_list_the_known():
    config = Config.model_construct(aus=Config(name="t").aus.model_copy(update={"backend": "x"}))
    with pytest.raises(UsageError, match="no AU backend 'x'") as caught:
        STAGE.check(config)
    assert "landmarks" in spell(caught.value.hint)


def test_auto_passes_over_what_cannot_run_and_says_why(use):
    use(Other([], missing="no FaceLandmarkImg on the path"), LandmarkBackend())
    assert choose(Config(name="t")).label("neutral") == "landmarks+neutral"
    remark = "landmarks (auto: other: no FaceLandmarkImg on the path)"
    assert STAGE.remarks(Config(name="t")) == {"backend": remark}
    assert STAGE.settings(Config(name="t"))["backend"] == "landmarks"


def test_a_reason_of_auto_makes_no_finished_shard_outdated(aligned_workspace):
    workspace = aligned_workspace(faces=8, shard_size=8)
    config = Config.model_validate({"workspace": workspace.root})
    row = {"face_id": "x", "status": "skipped", "reason": "x", "backend": "landmarks"}
    for backend, todo in (("landmarks (auto: no programs)", []), ("openface (auto: best)", [0])):
        settings = {**STAGE.settings(config), "backend": backend}
        rows = [{**row, "face_id": f"folder/{number:05d}"} for number in range(8)]
        with pending_shard(workspace, "aus", 0) as pending:
            pending.commit(
                manifest.table_from_rows("aus", rows),
                input_hash=digest([workspace.marker(up, 0).output for up in STAGE.upstream]),
                config_hash=digest({"settings": settings, "version": STAGE.version}),
                provenance={"settings": settings},
                seconds=0.0,
            )
        assert plan_stage(STAGE, config, Options())[1].todo == todo


def test_a_backend_that_cannot_run_is_a_missing_tool(use):
    use(Other([], missing="no program"))
    config = Config.model_construct(
        aus=Config(name="t").aus.model_copy(update={"backend": "other"})
    )
    with pytest.raises(MissingToolError, match="no program"):
        STAGE.check(config)
    with pytest.raises(MissingToolError, match="no AU backend can run"):
        STAGE.check(Config(name="t"))


def test_failures_of_a_backend_are_rows(inputs, run, use):
    good = AUResult(np.full(17, 2.5), np.ones(18, bool), confidence=None)
    beyond = AUResult(np.full(17, 5.1), np.ones(18, bool))
    use(Other([good, AUResult(reason="it crashed"), AUResult(), beyond, good, good]))
    rows = run(inputs)
    reasons = [row["reason"] for row in rows if row["status"] == "au_failed"]
    assert reasons == ["it crashed", "no estimate", "the backend left the scale of 0–5"]
    assert rows[0]["AU45_r"] == 2.5
    assert rows[0]["confidence"] is None


def test_a_backend_that_loses_faces_is_an_error(inputs, run, use):
    use(Other([AUResult(reason="only one")]))
    with pytest.raises(FaceprepError, match="answered 1 of 6 faces"):
        run(inputs)
