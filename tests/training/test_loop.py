"""The loop: every loss has its effect, it stops and goes on exactly, and it does not save NaN."""

import math
import os
import signal
from dataclasses import asdict, fields, replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from builders.training import Silent, crops, job
from safetensors.torch import load_file

from faceprep.core.errors import FaceprepError, UsageError
from faceprep.generators.exprgan.forward import needs_features
from faceprep.generators.exprgan.schedule import Weights, stages
from faceprep.generators.store import load_generator
from faceprep.training.loop import Training
from faceprep.workspace.artifacts import HISTORY, RESUME, USE

EVERY_LOSS = {
    field.name: 0.1
    for field in fields(Weights)
    if field.name not in ("embedding_margin", "q_discriminator")
}


def trained(made) -> Training:
    training = Training(made)
    training.run(Silent())
    return training


def test_every_loss_of_the_recipe_is_computed_and_finite(tmp_path: Path) -> None:
    training = trained(job(tmp_path, recipe={"weights": EVERY_LOSS, "steps": 2}))
    training.history.write()
    row = pq.read_table(tmp_path / HISTORY).to_pylist()[0]
    makers = set(EVERY_LOSS) - {"wrong_label", "r1"}
    assert makers <= set(row)
    judges = {"d_image", "d_q", "d_r1", "d_wrong_label", "d_new", "d_class", "d_latent"}
    assert judges | {"d_projected", "d_class_projected"} <= set(row)
    assert all(math.isfinite(v) for v in row.values() if isinstance(v, float))


@pytest.mark.parametrize("name", [*sorted(set(EVERY_LOSS) - {"wrong_label", "r1"})])
def test_a_weight_of_zero_leaves_a_loss_out(name: str, tmp_path: Path) -> None:
    made = job(tmp_path, recipe={"weights": {**EVERY_LOSS, name: 0.0}})
    training = Training(made)
    training._one_step()
    row = training.history._rows[0]
    assert (name in row) == (name == "q")  # Q is watched in any case


def test_makers_and_judges_both_learn_and_the_frozen_do_not(tmp_path: Path) -> None:
    made = job(tmp_path)
    training = Training(made)
    before = {name: value.clone() for name, value in training.model.state_dict().items()}
    head = made.phi.head.weight.clone()
    training._one_step()
    after = training.model.state_dict()
    for network in ("encoder", "decoder", "path", "d_image", "d_latent", "d_projected"):
        moved = [not torch.equal(before[n], after[n]) for n in after if n.startswith(network)]
        assert any(moved), network
    assert torch.equal(made.phi.head.weight, head)
    assert all(parameter.requires_grad for parameter in training.model.parameters())


def test_it_learns_to_reconstruct_and_to_edit(tmp_path: Path) -> None:
    recipe = {"steps": 40, "learning_rate": 3e-3, "weights": {"class_frozen": 3.0}}
    training = trained(job(tmp_path, recipe=recipe))
    rows = pq.read_table(tmp_path / HISTORY).to_pylist()

    def mean(name: str, part: slice) -> float:
        return sum(row[name] for row in rows[part]) / len(rows[part])

    for name in ("pixel_bottleneck", "class_frozen"):
        assert mean(name, slice(-10, None)) < 0.9 * mean(name, slice(10))
    assert training.steps == len(rows) == 40


@pytest.mark.parametrize("preset", ["tiny", "paper"])
def test_stopped_anywhere_it_goes_on_bit_for_bit(preset: str, tmp_path: Path) -> None:
    whole = job(tmp_path / "whole", preset, checkpoint_every=100)
    trained(whole)
    made = job(tmp_path / "parts", preset)
    first = Training(made)
    for _ in range(3):  # in paper: the end of a stage
        first._one_step()
    first.save()
    for _ in range(2):  # lost with the process
        first._one_step()
    second = Training(made)
    torch.rand(7)
    second.resume()
    second.run(Silent())
    for name in (RESUME, USE):
        assert (tmp_path / "parts" / name).read_bytes() == (
            tmp_path / "whole" / name
        ).read_bytes(), name
    columns = [
        pq.read_table(tmp_path / part / HISTORY).drop_columns("seconds")
        for part in ("parts", "whole")
    ]
    assert columns[0].equals(columns[1])


def test_the_papers_stages_train_what_the_paper_says(tmp_path: Path) -> None:
    training = Training(job(tmp_path, "paper", recipe={"steps": 10}))
    encoder = training.model.encoder.fc.weight.clone()
    training._one_step()
    assert torch.equal(training.model.encoder.fc.weight, encoder)
    training.run(Silent())
    names = [row["stage"] for row in pq.read_table(tmp_path / HISTORY).to_pylist()]
    assert names == ["controller"] * 6 + ["reconstruction"] * 2 + ["refining"] * 2
    assert not torch.equal(training.model.encoder.fc.weight, encoder)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_signal_ends_it_after_the_step_with_everything_saved(name: str, tmp_path: Path) -> None:
    def send(step: int) -> None:
        if step == 2:
            os.kill(os.getpid(), getattr(signal, name))

    made = job(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    outcome = Training(made).run(Silent(send))
    assert (outcome.stopped, outcome.steps) == (name, 2)
    assert signal.getsignal(signal.SIGTERM) is before
    again = Training(made)
    again.resume()
    assert again.steps == 2


def test_interrupting_saves_and_interrupts(tmp_path: Path) -> None:
    training = Training(job(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        training.run(Silent(lambda step: os.kill(os.getpid(), signal.SIGINT)))
    assert training.steps == 1
    assert (tmp_path / RESUME).is_file()


def test_a_loss_that_is_not_a_number_stops_it_and_keeps_the_last_checkpoint(
    tmp_path: Path,
) -> None:
    made = job(tmp_path)
    training = Training(made)
    training.save()
    before = (tmp_path / RESUME).read_bytes()

    def spoil(step: int) -> None:
        with torch.no_grad():
            training.model.encoder.fc.weight.fill_(math.nan)

    with pytest.raises(FaceprepError, match=r"step 2: .*pixel.*NaN") as caught:
        training.run(Silent(spoil))
    assert "train.learning_rate=" in str(caught.value.hint)
    assert (tmp_path / RESUME).read_bytes() == before


def test_another_recipe_seed_or_faces_are_another_training(tmp_path: Path) -> None:
    made = job(tmp_path)
    trained(made)
    wrong = {
        r"seed is 0, not 1": replace(made, seed=1),
        r"pixel is 10, not 3": job(tmp_path, recipe={"weights": {"pixel": 3.0}}),
        r"data is": replace(made, facts={"data": "x"}),
        r"preset 'tiny', not 'paper'": job(tmp_path, "paper"),
    }
    for message, other in wrong.items():
        with pytest.raises(FaceprepError, match=message) as caught:
            Training(other).resume()
        assert "--overwrite" in str(caught.value.hint)
    longer = Training(job(tmp_path, recipe={"steps": 8}))
    longer.resume()
    assert longer.run(Silent()).steps == 8


def test_what_is_for_use_holds_averaged_weights(tmp_path: Path) -> None:
    training = trained(job(tmp_path))
    model, file = load_generator(tmp_path / USE)
    assert file.progress["step"] == 6
    average = training.average.state["decoder.fc.weight"]
    assert torch.equal(model.decoder.fc.weight, average)
    assert not torch.equal(average, training.model.decoder.fc.weight)
    assert not any(name.startswith("optimizer") for name in load_file(tmp_path / USE))


def test_failures_are_named_once(tmp_path: Path) -> None:
    reporter = Silent()
    outcome = Training(job(tmp_path, sample_every=1)).run(reporter)
    assert "ignored_z" in outcome.findings  # after six steps every identity gives one face
    assert sum("ignored_z" in line for line in reporter.said) == 1


def test_people_of_the_val_side_are_watched(tmp_path: Path) -> None:
    made = job(tmp_path, unseen=crops(people=2), sample_every=6)
    trained(made)
    last = pq.read_table(tmp_path / HISTORY).to_pylist()[-1]
    assert 0 <= last["val_pixel"] < 1
    assert 0 <= last["val_class_frozen"] <= 1


class TestRecipe:
    def test_lengths_of_all_stages_together(self) -> None:
        assert [s.length(1296) for s in stages("paper")] == [4200, 1350, 1350]
        assert [s.length(1296) for s in stages("paper", steps=69)] == [42, 14, 13]
        assert [s.epochs for s in stages("paper", epochs=60)] == [40, 10, 10]
        assert stages("modern", epochs=5)[0].length(100) == 5 * 6
        assert stages("tiny", steps=7)[0].length(10_000) == 7

    def test_fewer_faces_than_a_batch(self) -> None:
        with pytest.raises(UsageError, match="do not fill a batch of 60"):
            stages("paper")[0].length(59)

    def test_what_is_given_takes_the_place_of_the_presets(self) -> None:
        switches = {"augment": False, "betas": [0.0, 0.99]}
        (stage,) = stages("modern", batch=32, weights={"q": 2.0}, switches=switches)
        plain = asdict(stages("modern")[0])
        changed = {key for key, value in asdict(stage).items() if value != plain[key]}
        assert changed == {"augment", "betas", "batch", "weights"}
        assert stages("paper", switches={"vgg_norm": "mean"})[1].feature_norm == "mean"

    def test_an_unknown_name_lists_the_known(self) -> None:
        with pytest.raises(UsageError, match="no loss is called 'pixels'") as caught:
            stages("tiny", weights={"pixels": 1.0})
        assert "pixel_bottleneck" in str(caught.value.hint)
        with pytest.raises(UsageError, match="no switch of the training is called 'vgg_norm'"):
            stages("tiny", switches={"vgg_norm": "mean"})

    def test_what_needs_face_features(self) -> None:
        assert not needs_features(Weights(pixel=1, q=1))
        assert needs_features(Weights(class_frozen=0.5))
