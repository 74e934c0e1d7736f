"""Expression classifiers learn, repeat, mix as asked, and keep their best evaluation."""

import numpy as np
import pytest
import torch
from builders.training import LABELS, picture

from faceprep.config import ClassifyConfig
from faceprep.config.classify import ARMS
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.stages.classify.augmentation import CHANGES, classic, flipped, mixup
from faceprep.stages.classify.batches import Batches, Pool, class_weights
from faceprep.stages.classify.logistic import DescribedFaces, train_logistic
from faceprep.stages.classify.networks import build_classifier
from faceprep.stages.classify.runs import LOGISTIC
from faceprep.stages.classify.training import train_classifier

QUICK = ClassifyConfig(updates=40, batch=16, look_every=10)


def pool(first: int, people: int, side: int = 32) -> Pool:
    pairs = [(person, label) for person in range(first, first + people) for label in range(4)]
    images = np.stack([picture(person, label, side) for person, label in pairs])
    labels = torch.tensor([label for _, label in pairs])
    return Pool(torch.from_numpy(images), torch.arange(len(labels)), labels)


def right(found, faces: Pool) -> float:
    return float((found.log_probabilities(faces).argmax(1) == faces.labels.numpy()).mean())


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm != LOGISTIC])
def test_every_arm_learns_and_repeats(arm: str) -> None:
    real, held, test = pool(0, 12), pool(50, 3), pool(100, 10)
    state = torch.get_rng_state()
    first = train_classifier(real, held, LABELS, QUICK, arm=arm, seed=3)
    again = train_classifier(real, held, LABELS, QUICK, arm=arm, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    scores = first.log_probabilities(test)
    assert np.array_equal(scores, again.log_probabilities(test))
    assert np.allclose(np.exp(scores).sum(1), 1, atol=1e-5)
    assert right(first, test) > 0.6
    other = train_classifier(real, held, LABELS, QUICK, arm=arm, seed=4)
    assert not np.array_equal(scores, other.log_probabilities(test))


def test_all_updates_are_done_and_the_best_evaluation_is_kept() -> None:
    held = pool(50, 3)
    found = train_classifier(
        pool(0, 12), held, LABELS, QUICK.model_copy(update={"updates": 45}), seed=0
    )
    assert [one.update for one in found.evaluations] == [10, 20, 30, 40, 45]
    least = min(one.loss for one in found.evaluations)
    assert [one.loss for one in found.evaluations if one.update == found.best_update] == [least]
    scores = found.log_probabilities(held)
    assert -scores[np.arange(12), held.labels].mean() == pytest.approx(least, rel=1e-4)


def test_synthetic_faces_take_their_share_of_every_batch() -> None:
    real, made = pool(0, 5), pool(100, 5)
    made.images[:] = 255
    batches = Batches(real, made, ClassifyConfig(batch=16, synthetic_share=0.25), seed=0)
    for _ in range(10):
        x, y = batches.next()
        white = (x == 1).flatten(1).all(dim=1)
        assert white.sum() == 4
        assert len(y) == 16
    for share, count in ((0.01, 1), (0.99, 15)):  # neither part is rounded away
        x = Batches(real, made, ClassifyConfig(batch=16, synthetic_share=share), seed=0).next()[0]
        assert (x == 1).flatten(1).all(dim=1).sum() == count
        assert len(x) == 16
    alone = Batches(real, None, ClassifyConfig(batch=16), seed=0).next()[0]
    assert not (alone == 1).flatten(1).all(dim=1).any()


def test_an_epoch_shows_every_face_once_and_even_draws_do_not_mind_counts() -> None:
    real = pool(0, 6)
    batches = Batches(real, None, ClassifyConfig(batch=8), seed=1)
    seen = torch.cat([batches.next()[0] for _ in range(3)])
    pictures = {one.contiguous().numpy().tobytes() for one in seen}
    assert len(pictures) == 24
    few = Pool(real.images, torch.tensor([0, 1, 5, 9, 13, 17, 21]), torch.tensor([0] + [1] * 6))
    y = torch.cat([
        Batches(few, None, ClassifyConfig(batch=64, even=True), seed=s).next()[1] for s in range(20)
    ])  # fmt: skip
    assert float((y == 0).float().mean()) == pytest.approx(0.5, abs=0.05)


def test_weights_make_classes_equal() -> None:
    labels = torch.tensor([0] * 30 + [1] * 10)
    weights = class_weights(labels, 3)
    assert weights.tolist() == pytest.approx([2 / 3, 2, 0])
    assert float(weights[labels].mean()) == pytest.approx(1)


def test_paper_is_g_enc_with_one_layer_more() -> None:
    six = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
    with torch.device("meta"):
        network = build_classifier("paper", six, 128, 0)
    assert sum(p.numel() for p in network.parameters()) == 18_234_340
    with pytest.raises(UsageError, match="no network is called 'large'"):
        build_classifier("large", six, 128, 0)


def test_a_light_picture_and_a_dark_one_are_the_same_to_the_small_network() -> None:
    network = build_classifier("small", LABELS, 32, 0).eval()
    x = pool(0, 2).batch(torch.arange(8)) * 0.4
    assert torch.allclose(network(x), network(x * 0.5 + 0.3), atol=0.1)


def test_a_loss_that_is_no_number_is_told() -> None:
    wild = QUICK.model_copy(update={"learning_rate": 1e30, "updates": 10})
    with pytest.raises(FaceprepError, match="loss is"):
        train_classifier(pool(0, 4), pool(50, 2), LABELS, wild)


def test_classic_changes_a_few_things_within_the_range() -> None:
    x = pool(0, 50).batch(torch.arange(200))
    changed = classic(x, torch.Generator().manual_seed(0))
    assert changed.shape == x.shape
    assert float(changed.abs().max()) <= 1
    assert bool((changed != x).flatten(1).any(dim=1).all())
    assert torch.equal(changed, classic(x, torch.Generator().manual_seed(0)))
    assert CHANGES == 2


def test_classic_of_half_strength_changes_less_and_of_none_nothing() -> None:
    x = pool(0, 50).batch(torch.arange(200))

    def change(strength: float) -> float:
        changed = classic(x, torch.Generator().manual_seed(0), strength)
        return float((changed - x).abs().mean())

    assert change(0) < 1e-5 < change(0.5) < 0.8 * change(1)


def test_half_of_the_faces_are_mirrored() -> None:
    x = torch.rand(400, 3, 8, 8)
    found = flipped(x, torch.Generator().manual_seed(0))
    same = (found == x).flatten(1).all(dim=1)
    mirrored = (found == x.flip(3)).flatten(1).all(dim=1)
    assert bool((same ^ mirrored).all())
    assert float(mirrored.float().mean()) == pytest.approx(0.5, abs=0.08)


def test_mixup_draws_its_weights_from_beta() -> None:
    x = torch.arange(4000.0)[:, None, None, None].expand(-1, 3, 2, 2)
    mixed = mixup(x, torch.Generator().manual_seed(0))
    weight = mixed.weight
    # Beta(0.2, 0.2): mean 1/2, variance 1/(4 (2·0.2 + 1)).
    assert float(weight.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(weight.var()) == pytest.approx(1 / 5.6, rel=0.06)
    expected = weight * torch.arange(4000.0) + (1 - weight) * mixed.other
    assert torch.allclose(mixed.x[:, 0, 0, 0], expected, rtol=1e-4, atol=1e-2)


def test_logistic_regression_reads_what_is_linear() -> None:
    random = np.random.default_rng(0)
    directions = random.normal(size=(3, 20))

    def faces(count: int, noise: float = 1.0) -> DescribedFaces:
        labels = np.arange(count) % 3
        values = 3 * directions[labels] + noise * random.normal(size=(count, 20))
        return DescribedFaces(np.stack([values, values], axis=1).astype(np.float16), labels)

    found = train_logistic(faces(60), faces(15), ("a", "b", "c"))
    test = faces(90)
    assert (found.log_probabilities(test).argmax(1) == test.labels).mean() > 0.95
    # Synthetic faces with turned labels do harm, as much as their share says.
    wrong = faces(300, 0.1)
    wrong = DescribedFaces(wrong.values, (wrong.labels + 1) % 3)
    spoilt = train_logistic(
        faces(60), faces(15), ("a", "b", "c"), synthetic=wrong, synthetic_share=0.9
    )
    assert (spoilt.log_probabilities(test).argmax(1) == test.labels).mean() < 0.5
    few = DescribedFaces(test.values[:0], test.labels[:0])
    with pytest.raises(UsageError, match="one expression only"):
        train_logistic(DescribedFaces(test.values[:1], test.labels[:1]), few, ("a", "b", "c"))
