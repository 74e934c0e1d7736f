"""What codes hold: neighbours, chance, retrieval; with spaces whose content is known."""

import json

import numpy as np
import pytest
from builders.edits import CLASSES, SIZE, MadeGenerator, draw_people, lay_out
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.core.errors import UsageError
from faceprep.evaluation import codes
from faceprep.evaluation.codes import evaluate_codes, project, purity
from faceprep.generators.exprgan import build, tiny
from faceprep.generators.store import save_generator
from faceprep.metrics import retrieval
from faceprep.metrics.expression_classifier.landmark_classifier import LandmarkClassifier
from faceprep.metrics.retrieval import evaluate_retrieval


def distances(values: list[float]) -> np.ndarray:
    points = np.array(values)
    return np.abs(points[:, None] - points[None])


def test_purity_counts_the_nearest_that_may_count() -> None:
    names = np.array([0, 0, 1, 1])
    same, others = names[:, None] == names[None], ~np.eye(4, dtype=bool)
    assert purity(distances([0, 1, 10, 11]), same, others, 1) == (1.0, pytest.approx(1 / 3))
    assert purity(distances([0, 10, 1, 11]), same, others, 1)[0] == 0
    # Nobody can have five neighbours of his own where there is one: it is asked for.
    assert purity(distances([0, 1, 10, 11]), same, others, 5)[0] == 1
    # A near duplicate does not count where it may not.
    duplicates = others & ~np.isin(np.arange(4), [0, 1])[:, None]
    assert purity(distances([0, 1, 10, 11]), same, duplicates, 1)[0] == 1
    alone = np.eye(4, dtype=bool)
    assert np.isnan(purity(distances([0, 1, 10, 11]), alone, others, 1)).all()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    root = tmp_path_factory.mktemp("codes") / "manifests" / "demo"
    place = lay_out(root, {"train": draw_people(0, 4), "test": draw_people(100, 4)})
    path = root / "train" / "exprgan" / "generator.safetensors"
    path.parent.mkdir(parents=True)
    model = build(tiny(CLASSES, SIZE, width=4, path_width=4, d_width=4), seed=0)
    subjects = [f"folder/S{number:03d}" for number in range(4)]
    save_generator(path, "exprgan", model, model.config.to_json(), extra={"subjects": subjects})
    return place


@pytest.mark.parametrize(
    ("by", "person", "expression"), [("subjects", 1, None), ("expressions", None, 1)]
)
def test_spaces_show_what_they_are_made_of(workspace, monkeypatch, by, person, expression) -> None:
    def made(model, images, device):
        faces = draw_people(100, 4)
        names = getattr(faces, by)
        which = [int((faces.images == image).all(axis=(1, 2, 3)).argmax()) for image in images]
        kinds = np.unique(names).tolist()
        return np.array([[100.0 * kinds.index(names[k]) + 0.1 * k] for k in which])

    monkeypatch.setattr(codes, "identities", made)
    monkeypatch.setattr(codes, "expression_codes", lambda m, x, y, d: np.zeros((len(x), 15)))
    report = evaluate_codes(MadeGenerator(None), workspace, neighbours=2)
    g = report.rows[0]
    assert g.space == codes.IDENTITY
    if person is not None:
        assert g.identity == person
        assert report.identity_chance == pytest.approx(2 / 11)
    if expression is not None:
        assert g.expression == expression
        assert report.expression_chance == pytest.approx(1 / 3)


def test_people_whom_the_generator_knows_are_no_test(workspace) -> None:
    with pytest.raises(UsageError, match="the generator saw subject folder/S101"):
        evaluate_codes(MadeGenerator(None), workspace, trained_on=["folder/S101"])
    with pytest.raises(UsageError, match="on unseen people"):
        evaluate_codes(MadeGenerator(None), workspace, split="train")


def test_a_projection_keeps_neighbours_and_repeats() -> None:
    points = np.concatenate([np.zeros((10, 5)), np.ones((10, 5))])
    points += np.random.default_rng(0).normal(0, 0.01, points.shape)
    places = project(points)
    first, second = places[:10], places[10:]
    apart = np.linalg.norm(first.mean(0) - second.mean(0))
    assert apart > 2 * max(first.std(), second.std())
    assert (project(points) == places).all()


def test_the_command_prints_and_draws(workspace, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(workspace.root.parent.parent)
    out = tmp_path / "codes.png"
    result = CliRunner().invoke(app, ["evaluate", "codes", "--json", "-o", str(out)])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["faces"], found["subjects"], found["neighbours"]) == (12, 4, 5)
    assert {row["space"] for row in found["rows"]} == {codes.IDENTITY, codes.EXPRESSION, "pixels"}
    assert out.stat().st_size > 10_000
    result = CliRunner().invoke(app, ["evaluate", "codes"])
    assert "chance" in result.stdout
    result = CliRunner().invoke(app, ["evaluate", "codes", "-o", "codes.jpg"])
    assert result.exit_code == 2
    assert "-o codes.png" in result.stderr


# Retrieval


def test_the_right_code_finds_the_expression_and_ties_are_shared(monkeypatch) -> None:
    people = draw_people(100, 4)

    def read(model, images, expressions, device):
        known = np.array([CLASSES.index(name) for name in expressions])
        return np.eye(3)[known] + 0.01 * np.arange(len(images))[:, None]

    monkeypatch.setattr(retrieval, "expression_codes", read)
    report = evaluate_retrieval(MadeGenerator(None), people, people)
    rows = {row.way: row for row in report.rows}
    assert rows["code"].accuracy == rows["label"].accuracy == 1
    assert report.chance == pytest.approx(1 / 3)
    # By label all of the same expression are equally near: their strength is that of chance.
    assert rows["label"].gap == pytest.approx(report.chance_gap)
    assert 0 <= rows["pixel"].accuracy < 1
    # A code that is always the same finds anybody.
    monkeypatch.setattr(retrieval, "expression_codes", lambda m, x, y, d: np.zeros((len(x), 15)))
    report = evaluate_retrieval(MadeGenerator(None), people, people)
    assert report.rows[0].accuracy == pytest.approx(1 / 3)


def test_labels_of_a_judge_cost_what_it_gets_wrong(monkeypatch) -> None:
    people, training = draw_people(100, 4), draw_people(0, 6)
    judge = LandmarkClassifier.fit(training, CLASSES)
    right = judge.log_probabilities(people).argmax(1) == [
        CLASSES.index(name) for name in people.expressions
    ]
    monkeypatch.setattr(retrieval, "expression_codes", lambda m, x, y, d: np.zeros((len(x), 15)))
    report = evaluate_retrieval(MadeGenerator(None), people, people, judge)
    rows = {(row.way, row.labels): row.accuracy for row in report.rows}
    assert rows["label", "landmarks+HOG"] == pytest.approx(right.mean())
    assert ("pixel", "landmarks+HOG") not in rows


def test_somebody_else_has_to_be_there() -> None:
    people = draw_people(100, 1)
    with pytest.raises(UsageError, match="nobody else"):
        evaluate_retrieval(MadeGenerator(None), people, people)
