import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from builders.evaluation import SUBJECTS, estimate

from faceprep.cli.remedies import spell
from faceprep.core.errors import Again, UsageError
from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.demo.layouts.ck_plus import facs_grade
from faceprep.evaluation.aus.evaluate import evaluate_aus
from faceprep.workspace import Workspace


def graded(values):
    """Round drawn intensities as a coder grades them; keep those present but not graded."""
    grades = {au: facs_grade(au, value) for au, value in values.items()}
    return {au: grade or (0 if grade is None else values[au]) for au, grade in grades.items()}


def blurred(values, row):
    """Add an error to every face."""
    random = np.random.default_rng(zlib.crc32(row["face_id"].encode()))
    noise = random.normal(0, 1, len(values))
    pairs = zip(values.items(), noise, strict=True)
    return {au: float(np.clip(value + error, 0, 5)) for (au, value), error in pairs}


def defined(found, name):
    return np.array([v for v in (getattr(one, name) for one in found.aus) if not np.isnan(v)])


def assert_perfect(found):
    assert (defined(found, "mae") == 0).all()
    assert (defined(found, "f1") == 1).all()
    np.testing.assert_allclose(defined(found, "r"), 1)
    np.testing.assert_allclose(defined(found, "icc"), 1)
    assert found.mean.mae == 0
    assert found.mean.f1 == 1


def test_facs_files_of_the_demo_agree_with_what_was_drawn(select, truth):
    workspace = estimate(select(), lambda row: graded(truth[row["path"]]))
    found = evaluate_aus(workspace.root)
    assert found.reference == "FACS codes"
    assert_perfect(found)
    # Enough AUs are compared for this to mean something.
    assert len(defined(found, "r")) >= 14
    sequences = {
        (row["subject"], row["sequence"]): row["path"]
        for row in workspace.read("select", 0).to_pylist()
        if row["frame"] == 4
    }
    assert len(found.pairs.face_ids) == len(sequences) > 4 * SUBJECTS
    for au, one in zip(PRESENCE_AUS, found.aus, strict=True):
        present = [facs_grade(au, truth[path][au]) is not None for path in sequences.values()]
        assert one.present == pytest.approx(np.mean(present))


def test_codes_are_the_drawn_intensities_rounded(select, truth):
    workspace = estimate(select(), lambda row: truth[row["path"]])
    found = evaluate_aus(workspace.root)
    known, drawn = found.pairs.known.intensities, found.pairs.estimated.intensities
    for column, au in enumerate(INTENSITY_AUS):
        for code, value in zip(known[:, column], drawn[:, column], strict=True):
            grade = facs_grade(au, value)
            assert np.isnan(code) if grade == 0 else code == (grade or 0)
    assert np.nanmax(np.abs(known - drawn)) <= 0.5
    assert (defined(found, "f1") == 1).all()
    assert 0 < found.mean.mae < 0.25
    assert 0.97 < found.mean.r < 1


def test_every_frame_of_the_demo_is_known(select, truth):
    workspace = estimate(select(), lambda row: truth[row["path"]])
    found = evaluate_aus(workspace.root, "demo")
    assert_perfect(found)
    rows = workspace.read("select", 0).num_rows
    assert len(found.pairs.face_ids) == rows
    assert found.notes == []


@pytest.mark.parametrize("against", ["facs", "demo"])
def test_errors_of_the_estimates_lower_the_agreement(select, truth, against):
    workspace = estimate(select(), lambda row: blurred(graded(truth[row["path"]]), row))
    found = evaluate_aus(workspace.root, against)
    assert 0.3 < found.mean.r < 0.95
    assert found.mean.icc < found.mean.r + 0.01
    assert 0.3 < found.mean.mae < 1
    assert 0.1 < found.mean.f1 < 0.9
    assert found.mean.r_low < found.mean.r < found.mean.r_high
    for one in found.aus:
        assert np.isnan(one.r_low) or one.r_low <= one.r <= one.r_high


def test_the_truth_is_found_above_the_folder_that_was_read(select, truth, drawn):
    images = drawn / "cohn-kanade-images"
    inside = select(root=images)
    workspace = estimate(inside, lambda row: truth[f"cohn-kanade-images/{row['path']}"])
    assert_perfect(evaluate_aus(workspace.root, "demo"))


def test_without_codes_the_reference_is_what_the_demo_drew(select, truth, drawn, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(drawn, bare, ignore=shutil.ignore_patterns("FACS"))
    workspace = estimate(select(root=bare), lambda row: truth[row["path"]])
    assert evaluate_aus(workspace.root).reference == "what the demo drew"
    with pytest.raises(UsageError, match="no FACS codes") as caught:
        evaluate_aus(workspace.root, "facs")
    assert spell(caught.value.hint).startswith("faceprep select --workspace ")


def test_another_backend_of_the_same_faces(select, truth):
    mine = estimate(select(), lambda row: truth[row["path"]], "mine")
    other = estimate(
        select("other"), lambda row: blurred(truth[row["path"]], row) if row["frame"] > 3 else None
    )
    found = evaluate_aus(mine.root, str(other.root))
    assert found.reference == f"{other.root} (made)"
    assert found.pairs.estimated.source == "mine"
    assert all(face_id.endswith("4") for face_id in found.pairs.face_ids)
    rows, shown = mine.read("select", 0).num_rows, len(found.pairs.face_ids)
    assert found.notes == [f"{rows - shown} of {rows} faces are not in {found.reference}"]
    back = evaluate_aus(other.root, str(mine.root))
    assert back.mean.r == pytest.approx(found.mean.r)
    assert back.notes == [f"{rows - shown} of {rows} known faces have no estimate: au_failed"
                          f" {rows - shown}"]  # fmt: skip


def test_manifests_in_any_folder_are_a_reference(select, truth, tmp_path):
    workspace = estimate(select(), lambda row: truth[row["path"]])
    part = workspace.part("aus", 0)
    (tmp_path / "copied").mkdir()
    shutil.copy(part, tmp_path / "copied")
    other = Workspace(shutil.copytree(workspace.root, tmp_path / "other"))
    own, inside = ([place.root, *_inside(place)] for place in (workspace, other))
    for path in (*inside, tmp_path / "copied", tmp_path / "copied" / part.name):
        assert_perfect(evaluate_aus(workspace.root, str(path)))
    for path in own:
        with pytest.raises(UsageError, match="would be compared with itself") as caught:
            evaluate_aus(workspace.root, str(path))
        assert caught.value.hint == Again({"against": "demo"})


def _inside(workspace: Workspace) -> list[Path]:
    part = workspace.part("aus", 0)
    return [part, part.parent, workspace.part("select", 0), workspace.folder("select")]


def test_split_and_role_choose_faces(select, truth):
    workspace = estimate(select(test_fraction=0.5), lambda row: truth[row["path"]])
    whole = evaluate_aus(workspace.root, "demo")
    test = evaluate_aus(workspace.root, "demo", split="test", role="neutral")
    assert len(np.unique(test.pairs.subjects)) == SUBJECTS // 2
    assert len(test.pairs.face_ids) < len(whole.pairs.face_ids) / 2
    assert test.which == "every selected frame, split test, role neutral"
    # Three subjects are too few for an interval.
    assert np.isnan([one.r_low for one in test.aus]).all()


def test_the_last_frame_of_a_limited_selection_is_not_used_as_coded(select, truth):
    whole = evaluate_aus(estimate(select(), lambda row: truth[row["path"]]).root)
    first = whole.pairs.face_ids[0]
    cut = estimate(select("cut", limit=4 + 3), lambda row: truth[row["path"]])
    assert evaluate_aus(cut.root).pairs.face_ids == [first]


def test_sequences_without_codes_are_counted(select, truth, drawn, tmp_path):
    some = tmp_path / "some"
    shutil.copytree(drawn, some)
    folder = next((some / "FACS").iterdir())
    shutil.rmtree(folder)
    workspace = estimate(select(root=some), lambda row: graded(truth[row["path"]]))
    (note,) = evaluate_aus(workspace.root).notes
    assert note.endswith("sequences have no FACS codes")
    assert folder.name not in set(evaluate_aus(workspace.root).pairs.subjects)


def test_units_without_an_estimate_are_listed(select, truth, drawn, tmp_path):
    more = tmp_path / "more"
    shutil.copytree(drawn, more)
    for path in (more / "FACS").rglob("*.txt"):
        path.write_text(path.read_text() + "   2.4000000e+01   3.0000000e+00\n")
    workspace = estimate(select(root=more), lambda row: graded(truth[row["path"]]))
    found = evaluate_aus(workspace.root)
    assert found.not_estimated == {"AU24": len(found.pairs.face_ids)}
    assert_perfect(found)


def test_a_backend_with_constant_estimates_has_no_correlation(select):
    workspace = estimate(select(), lambda row: dict.fromkeys(PRESENCE_AUS, 2.0))
    found = evaluate_aus(workspace.root)
    assert len(defined(found, "r")) == len(defined(found, "icc")) == 0
    assert np.isnan([found.mean.r, found.mean.r_low, found.mean.icc]).all()
    assert len(defined(found, "mae")) == 17


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"split": "holdout"}, "no split 'holdout'", "train, val, test"),
        ({"role": "apex"}, "no role 'apex'", "neutral, peak, still"),
        ({"split": "val"}, "no selected face of split val", "train"),
        ({"role": "neutral"}, "FACS codes: no face of role neutral is known", "peak"),
        ({"against": "nowhere"}, "nowhere does not exist", "faceprep run"),
    ],
)
def test_nothing_to_compare(select, truth, options, message, hint, tmp_path, monkeypatch):
    workspace = estimate(select(test_fraction=0), lambda row: truth[row["path"]])
    monkeypatch.chdir(tmp_path)  # hints name what lies in manifests/ here
    with pytest.raises(UsageError, match=message) as caught:
        evaluate_aus(workspace.root, **options)
    assert hint in spell(caught.value.hint)


def test_a_misspelled_path_suggests_the_nearest_workspace(select, truth):
    workspace = estimate(select(), lambda row: truth[row["path"]])
    slip = workspace.root.with_name("wss")
    for arguments, hint in (
        ((slip,), Again({"workspace": workspace.root})),
        ((workspace.root, str(slip)), Again({"against": workspace.root})),
    ):
        with pytest.raises(UsageError, match="wss does not exist; found") as caught:
            evaluate_aus(*arguments)
        assert caught.value.hint == hint


def test_action_units_are_needed(select):
    with pytest.raises(UsageError, match="aus has not run") as caught:
        evaluate_aus(select().root)
    assert spell(caught.value.hint).startswith("faceprep aus --workspace ")


def test_known_faces_that_all_failed(select):
    workspace = estimate(select(), lambda row: None)
    with pytest.raises(UsageError, match="no known face has an estimate: au_failed"):
        evaluate_aus(workspace.root)


def test_other_faces(select, truth, drawn, tmp_path):
    mine = estimate(select(limit=12), lambda row: truth[row["path"]])
    last = tmp_path / "last"
    shutil.copytree(drawn, last, ignore=shutil.ignore_patterns("S005", "S006"))
    other = estimate(select("other", root=last), lambda row: truth[row["path"]])
    with pytest.raises(UsageError, match="have no face in common"):
        evaluate_aus(mine.root, str(other.root))


def test_faces_without_a_reference(select, drawn, tmp_path):
    folder = tmp_path / "photographs" / "happiness"
    folder.mkdir(parents=True)
    shutil.copy(next(drawn.rglob("*.png")), folder)
    workspace = estimate(
        select(dataset="folder", root=folder.parent), lambda row: dict.fromkeys(PRESENCE_AUS, 1.0)
    )
    for against, message in (
        (None, "nothing is known of these faces"),
        ("facs", "FACS codes come with CK"),
        ("demo", "these faces are not the demo's"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            evaluate_aus(workspace.root, against)
        assert caught.value.hint.startswith("estimate them with another aus.backend")


def test_csv_files_get_a_hint_to_make_a_workspace(select, truth, tmp_path):
    workspace = estimate(select(), lambda row: truth[row["path"]])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "S005.csv").write_text("frame,face_id\n")
    for path in (tmp_path / "out", tmp_path / "out" / "S005.csv"):
        with pytest.raises(UsageError, match="CSV") as caught:
            evaluate_aus(workspace.root, str(path))
        assert "aus.backend=openface-csv" in spell(caught.value.hint)
