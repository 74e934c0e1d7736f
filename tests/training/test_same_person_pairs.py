"""An edit is compared with a face of the same person, or with none."""

import numpy as np
import torch

from faceprep.training.same_person_pairs import SamePersonPairs

SUBJECTS = ["b", "a", "a", "b", "c", "a"]
LABELS = torch.tensor([0, 0, 2, 1, 1, 2])


def test_partners_are_the_same_person_with_the_wanted_expression() -> None:
    partners = SamePersonPairs(SUBJECTS, LABELS, 3)
    random = np.random.default_rng(0)
    for _ in range(20):
        indices = torch.tensor([0, 1, 2, 5, 3])
        wanted = torch.tensor([1, 2, 0, 0, 0])
        found, known = partners.take(indices, wanted, random)
        assert known.all()
        assert [SUBJECTS[i] for i in found] == [SUBJECTS[i] for i in indices]
        assert torch.equal(LABELS[found], wanted)


def test_every_such_face_is_drawn() -> None:
    partners = SamePersonPairs(SUBJECTS, LABELS, 3)
    random = np.random.default_rng(1)
    found, _ = partners.take(torch.ones(100, dtype=torch.int64), torch.full((100,), 2), random)
    assert set(found.tolist()) == {2, 5}


def test_who_has_no_such_face_stays_alone() -> None:
    partners = SamePersonPairs(SUBJECTS, LABELS, 3)
    found, known = partners.take(
        torch.tensor([4, 0, 4]), torch.tensor([0, 2, 2]), np.random.default_rng(2)
    )
    assert found.tolist() == [4, 0, 4]
    assert not known.any()


def test_the_stream_moves_on_by_the_batch_in_any_case() -> None:
    partners = SamePersonPairs(SUBJECTS, LABELS, 3)
    one, two = np.random.default_rng(5), np.random.default_rng(5)
    partners.take(torch.tensor([4, 4]), torch.tensor([0, 2]), one)
    two.random(2)
    assert one.random() == two.random()


def test_people_with_one_expression_each_are_no_partners() -> None:
    assert SamePersonPairs(SUBJECTS, LABELS, 3)
    assert not SamePersonPairs(["a", "b", "a"], torch.tensor([0, 1, 0]), 2)
    assert not SamePersonPairs([], torch.zeros(0, dtype=torch.int64), 2)
