"""Generators whose faults are known, and what the numbers say of them."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from builders.edits import (
    CLASSES,
    MadeGenerator,
    copy,
    draw_people,
    one_face,
    sticker,
    true_expression,
)
from builders.fer import write_model
from PIL import Image

from faceprep.core.errors import UsageError
from faceprep.evaluation.edits.evaluate import evaluate_edits
from faceprep.evaluation.edits.result import EditReport
from faceprep.evaluation.edits.workspace import Evaluated
from faceprep.faces.features import FaceFeatures, load_features
from faceprep.generators.editor import Editor
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.metrics.expression_classifier.fer.classifier import FerClassifier
from faceprep.metrics.expression_classifier.fit import held_out_accuracy
from faceprep.metrics.expression_classifier.landmark_classifier import LandmarkClassifier
from faceprep.report.evaluation.edits_sheet import choose_sources, draw_sheet
from faceprep.report.evaluation.edits_table import edit_data, edit_tables, write_table


@pytest.fixture(scope="module")
def training() -> LabelledFaces:
    return draw_people(0, 12)


@pytest.fixture(scope="module")
def test_faces() -> LabelledFaces:
    return draw_people(100, 6)


@pytest.fixture(scope="module")
def judge(training) -> LandmarkClassifier:
    return LandmarkClassifier.fit(training, CLASSES)


@pytest.fixture(scope="module")
def phi() -> FaceFeatures:
    return load_features()


@pytest.fixture(scope="module")
def evaluate(training, test_faces, judge, phi):
    def run(generator: MadeGenerator, **settings: object) -> EditReport:
        choices = {"identities": 3, **settings}
        return evaluate_edits(Editor(generator), test_faces, training, [judge], phi, **choices)

    return run


@pytest.fixture(scope="module")
def reports(evaluate, training, test_faces) -> dict[str, EditReport]:
    made = {
        "copy": copy(),
        "one face": one_face(training),
        "sticker": sticker(training),
        "true": true_expression(test_faces),
    }
    return {name: evaluate(generator) for name, generator in made.items()}


def agreement(report: EditReport, kind: str = "edit") -> float:
    return report.row(kind).agreement["landmarks+HOG"]


def test_the_judge_reads_people_it_never_saw(judge, test_faces):
    found = held_out_accuracy(judge, test_faces)
    assert found.balanced >= 0.85
    assert (found.faces, found.subjects, found.trained_on) == (18, 6, 12)
    assert set(found.recall) == set(CLASSES)


def test_a_copy_has_the_person_and_nothing_else(reports):
    report = reports["copy"]
    edit, unedited = report.row("edit"), report.row("copy")
    assert agreement(report) < 1 / 3  # chance
    assert (edit.distance, edit.percentile, edit.below_fifth, edit.rank1) == (0, 0, 1, 1)
    assert edit.sharpness == 1
    assert all(one.within == 0 for one in edit.rho.values())
    assert (edit.agreement, edit.kid, edit.rank1) == (
        unedited.agreement, unedited.kid, unedited.rank1,
    )  # fmt: skip


def test_one_face_for_all_agrees_wholly_and_is_nobody(reports):
    report = reports["one face"]
    edit = report.row("edit")
    assert agreement(report) == 1
    assert edit.rank1 < 0.5
    assert edit.below_fifth < 0.2
    assert edit.kid > 2 * report.row("copy").kid
    assert all(one.share == pytest.approx(0, abs=1e-6) for one in report.diversity)


def test_a_fading_sticker_grows_evenly_but_is_not_the_person(reports):
    edit = reports["sticker"].row("edit")
    assert edit.rho["judge"].within > 0.8
    assert edit.rank1 < 0.6
    assert edit.kid > reports["true"].row("edit").kid + 0.2


def test_the_true_expression_is_best_in_everything(reports):
    report = reports["true"]
    edit, unedited = report.row("edit"), report.row("copy")
    assert agreement(report) > 0.85
    assert edit.rank1 > 0.9
    assert edit.kid < 0.5 * unedited.kid
    assert edit.kid == pytest.approx(report.row("real").kid, abs=0.2)
    assert edit.rho["judge"].within > 0.9
    assert edit.rho["AUs"].within > 0.9
    assert edit.distance == pytest.approx(report.row("real").distance, rel=0.1)


def test_the_copy_row_does_not_depend_on_the_generator(reports):
    for expression in (*CLASSES, "mean"):
        rows = [report.row("copy", expression) for report in reports.values()]
        assert all(row == rows[0] for row in rows)


def test_sources_that_show_the_expression_already_take_no_part(reports, test_faces):
    for expression in CLASSES:
        others = int((test_faces.expressions != expression).sum())
        assert reports["copy"].row("edit", expression).faces == others
        assert reports["copy"].row("real", expression).faces == len(test_faces) - others


def test_means_count_every_expression_the_same(reports):
    rows = [reports["sticker"].row("edit", expression) for expression in CLASSES]
    mean = reports["sticker"].row("edit")
    assert mean.kid == pytest.approx(np.mean([row.kid for row in rows]))
    assert mean.rho["judge"].pooled == pytest.approx(
        np.mean([row.rho["judge"].pooled for row in rows])
    )


def test_a_person_on_both_sides_is_refused(training, test_faces, judge, phi):
    both = LabelledFaces(
        test_faces.images,
        expressions=test_faces.expressions,
        subjects=np.array(["S003", *test_faces.subjects[1:]]),
    )
    with pytest.raises(UsageError, match="saw subject S003"):
        evaluate_edits(Editor(copy()), both, training, [judge], phi)
    with pytest.raises(UsageError, match=r"landmarks\+HOG saw subject S003"):
        held_out_accuracy(judge, both)
    # The judge is asked as well, not only the training faces that are given.
    others = training.take(training.subjects != "S003")
    with pytest.raises(UsageError, match=r"landmarks\+HOG saw subject S003"):
        evaluate_edits(Editor(copy()), both, others, [judge], phi)


def test_without_a_judge_nothing_is_said(training, test_faces, phi):
    with pytest.raises(UsageError, match="without a judge"):
        evaluate_edits(Editor(copy()), test_faces, training, [], phi)
    small = LandmarkClassifier.fit(training, CLASSES[:2])
    with pytest.raises(UsageError, match="does not know 'surprise'"):
        evaluate_edits(Editor(copy()), test_faces, training, [small], phi)


def test_another_judge_does_not_score_what_it_does_not_know(
    training, test_faces, judge, phi, tmp_path
):
    other = FerClassifier.load(CLASSES[:2], write_model(tmp_path / "small.hdf5"))
    report = evaluate_edits(Editor(copy()), test_faces, training, [judge, other], phi, identities=0)
    shares = {name: report.row("edit", name).agreement["fer"] for name in (*CLASSES, "mean")}
    assert np.isnan(shares["surprise"])
    assert shares["mean"] == pytest.approx(np.mean([shares[name] for name in CLASSES[:2]]))
    assert report.ceilings[1].faces == 12
    assert "the judge fer does not score surprise" in report.notes
    parts, _ = edit_tables(report)
    assert "trained elsewhere" in " ".join(map(str, parts))


def test_one_person_gives_no_identity_numbers(training, test_faces, judge, phi):
    one = test_faces.take(test_faces.subjects == "S100")
    report = evaluate_edits(Editor(copy()), one, training, [judge], phi, identities=0)
    edit = report.row("edit")
    assert all(np.isnan([edit.percentile, edit.below_fifth, edit.rank1]))
    assert report.different_pairs == 0
    assert report.diversity == []
    assert "one person" in report.notes[0]
    assert json.dumps(edit_data(report), allow_nan=False)


def test_an_expression_without_test_faces_is_noted(training, test_faces, judge, phi):
    angry = test_faces.take(test_faces.expressions == "anger")
    report = evaluate_edits(Editor(copy()), angry, training, [judge], phi, identities=0)
    assert report.row("edit", "anger").faces == 0
    assert np.isnan(report.row("edit", "anger").agreement["landmarks+HOG"])
    assert report.row("edit", "happiness").faces == 6
    assert np.isnan(report.row("real", "happiness").kid)
    assert report.notes == ["no test face shows happiness, surprise"]


def test_a_generator_that_makes_nan_is_refused(evaluate):
    broken = MadeGenerator(lambda x, asked, strength: x * float("nan"))
    with pytest.raises(UsageError, match="NaN"):
        evaluate(broken)


def test_people_read_all_numbers_together(reports, capsys):
    from rich.console import Console

    renderables, _ = edit_tables(reports["one face"])
    console = Console(width=80)
    for part in renderables:
        console.print(part)
    text = capsys.readouterr().out
    for words in (
        "classified as requested",
        "rank-1",
        "KID",
        "copy",
        "φ-distance",
        "ρ of the judge",
    ):
        assert words in text
    assert "…" not in text.split("by expression")[1].split("copy:")[0]


def test_json_and_parquet_say_the_same(reports, tmp_path):
    report = reports["sticker"]
    data = json.loads(json.dumps(edit_data(report), allow_nan=False))
    write_table(report, tmp_path / "new" / "edits.parquet")
    table = pq.read_table(tmp_path / "new" / "edits.parquet")
    rows = table.to_pylist()
    assert [(row["kind"], row["expression"]) for row in rows] == [
        (row["kind"], row["expression"]) for row in data["rows"]
    ]
    for row, plain in zip(rows, data["rows"], strict=True):
        assert row["kid"] == plain["kid"]
        assert row["agreement landmarks+HOG"] == plain["agreement"]["landmarks+HOG"]
    assert rows[0]["rho judge within"] == data["rows"][0]["rho"]["judge"]["within"]
    assert rows[1]["rho judge within"] is None
    about = json.loads(table.schema.metadata[b"faceprep"])
    assert about["ceilings"][0]["trained_on"] == 12


def test_a_sheet_shows_different_people(reports, test_faces, tmp_path):
    chosen = choose_sources(test_faces.subjects, test_faces.expressions, 6)
    assert len(set(test_faces.subjects[chosen])) == 6
    assert set(test_faces.expressions[chosen]) == set(CLASSES)
    assert len(choose_sources(test_faces.subjects, test_faces.expressions, 50)) == 6
    found = Evaluated(reports["true"], Editor(true_expression(test_faces)), test_faces)
    draw_sheet(found, tmp_path / "sheet.png", rows=3)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 600
        assert len(sheet.getcolors(1 << 24)) > 1000
    with pytest.raises(UsageError, match="a PNG"):
        draw_sheet(found, tmp_path / "sheet.jpg")


def test_intensity_one_is_measured_with_or_without_being_listed(evaluate, training):
    with_it = evaluate(sticker(training), intensities=(0.2, 0.6, 1.0))
    without = evaluate(sticker(training), intensities=(0.2, 0.6, 0.8))
    assert with_it.row("edit").agreement == without.row("edit").agreement
    assert with_it.row("edit").rho != without.row("edit").rho
