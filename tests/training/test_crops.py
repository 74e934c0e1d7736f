"""Faces in memory, and the order in which a training takes them."""

import numpy as np
import pytest
import torch
from builders.training import LABELS, crops, picture

from faceprep.core.errors import FaceprepError
from faceprep.training.crops import Order, SamePersonPairs, make_crops, resize


def test_faces_stay_bytes_and_come_out_in_their_range() -> None:
    faces = crops(people=2)
    assert faces.images.dtype == torch.uint8
    assert faces.images.shape == (8, 3, 32, 32)
    x = faces.batch(torch.tensor([5]))
    wanted = torch.from_numpy(picture(1, 1)).permute(2, 0, 1).float() / 127.5 - 1
    assert torch.equal(x[0], wanted)
    assert faces.one_hot(torch.tensor([5])).tolist() == [[0, 1, 0, 0]]
    assert faces.counts() == dict.fromkeys(LABELS, 2)


def test_a_flip_mirrors_only_the_faces_it_names() -> None:
    faces = crops(people=2)
    plain = faces.batch(torch.tensor([0, 1]))
    flipped = faces.batch(torch.tensor([0, 1]), torch.tensor([True, False]))
    assert torch.equal(flipped[0], plain[0].flip(2))
    assert torch.equal(flipped[1], plain[1])


def test_reducing_averages_all_pixels() -> None:
    checks = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    checks[:, ::2, ::2] = 200
    reduced = resize(checks, 32)
    assert reduced.shape == (1, 3, 32, 32)
    assert reduced[0, 0, 4:-4, 4:-4].float().std() == 0  # no aliasing
    assert reduced[0, 0, 16, 16] == 50


def test_the_fingerprint_knows_pixels_labels_and_names() -> None:
    def made(value: int, label: str, name: str) -> str:
        face = np.full((32, 32, 3), value, np.uint8)
        return make_crops([face], [name], [label], ["S"], LABELS, 32).fingerprint

    prints = {made(1, "anger", "a"), made(2, "anger", "a"), made(1, "surprise", "a")}
    assert len(prints | {made(1, "anger", "b")}) == 4
    assert made(1, "anger", "a") in prints


def test_crops_of_two_sizes_are_an_error() -> None:
    with pytest.raises(FaceprepError, match="crops have sizes"):
        make_crops(
            [picture(0, 0), picture(0, 0, 64)], ["a", "b"], ["anger"] * 2, ["S"] * 2, LABELS, 32
        )


def test_even_batches_show_rare_expressions_as_often() -> None:
    labels = torch.tensor([0] * 90 + [1] * 8 + [2] * 2)
    order = Order(labels, np.random.default_rng(0), seed=0)
    taken = torch.cat([order.even(30)[0] for _ in range(100)])
    shares = torch.bincount(labels[taken]) / len(taken)
    assert shares.tolist() == pytest.approx([1 / 3] * 3, abs=0.03)
    assert set(taken[labels[taken] == 2].tolist()) == {98, 99}


def test_an_epoch_shows_every_face_once_and_the_next_in_another_order() -> None:
    order = Order(torch.zeros(13, dtype=torch.int64), np.random.default_rng(0), seed=3)
    first = torch.cat([order.epoch(4, step, 0)[0] for step in range(3)])
    second = torch.cat([order.epoch(4, step, 0)[0] for step in range(3, 6)])
    assert len(set(first.tolist())) == len(set(second.tolist())) == 12
    assert first.tolist() != second.tolist()
    again = Order(torch.zeros(13, dtype=torch.int64), np.random.default_rng(9), seed=3)
    assert torch.equal(again.epoch(4, 4, 0)[0], second[4:8])  # from seed and step alone


SUBJECTS = ["b", "a", "a", "b", "c", "a"]
NUMBERS = torch.tensor([0, 0, 2, 1, 1, 2])


def test_partners_are_the_same_person_with_the_wanted_expression() -> None:
    partners = SamePersonPairs(SUBJECTS, NUMBERS, 3)
    random = np.random.default_rng(0)
    for _ in range(20):
        indices = torch.tensor([0, 1, 2, 5, 3])
        wanted = torch.tensor([1, 2, 0, 0, 0])
        found, known = partners.take(indices, wanted, random)
        assert known.all()
        assert [SUBJECTS[i] for i in found] == [SUBJECTS[i] for i in indices]
        assert torch.equal(NUMBERS[found], wanted)


def test_every_such_face_is_drawn() -> None:
    partners = SamePersonPairs(SUBJECTS, NUMBERS, 3)
    random = np.random.default_rng(1)
    found, _ = partners.take(torch.ones(100, dtype=torch.int64), torch.full((100,), 2), random)
    assert set(found.tolist()) == {2, 5}


def test_who_has_no_such_face_stays_alone() -> None:
    partners = SamePersonPairs(SUBJECTS, NUMBERS, 3)
    found, known = partners.take(
        torch.tensor([4, 0, 4]), torch.tensor([0, 2, 2]), np.random.default_rng(2)
    )
    assert found.tolist() == [4, 0, 4]
    assert not known.any()


def test_the_stream_moves_on_by_the_batch_in_any_case() -> None:
    partners = SamePersonPairs(SUBJECTS, NUMBERS, 3)
    one, two = np.random.default_rng(5), np.random.default_rng(5)
    partners.take(torch.tensor([4, 4]), torch.tensor([0, 2]), one)
    two.random(2)
    assert one.random() == two.random()


def test_people_with_one_expression_each_are_no_partners() -> None:
    assert SamePersonPairs(SUBJECTS, NUMBERS, 3)
    assert not SamePersonPairs(["a", "b", "a"], torch.tensor([0, 1, 0]), 2)
    assert not SamePersonPairs([], torch.zeros(0, dtype=torch.int64), 2)
