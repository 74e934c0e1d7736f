"""The plan of synthetic faces: balance, prefixes, turns."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprep.stages.augment.schedule import Schedule, SourceOrder, draw, magnitudes

SHARES = {"new": 0.5, "edit": 0.3, "other": 0.2}


@given(classes=st.integers(2, 8), count=st.integers(1, 400), cut=st.integers(0, 399))
def test_every_prefix_is_balanced_and_the_same(classes: int, count: int, cut: int) -> None:
    slots = Schedule(classes, SHARES).slots(0, count)
    counts = Counter(slot.label for slot in slots)
    assert max(counts.values()) - min(counts[label] for label in range(classes)) <= 1
    cut = min(cut, count)
    apart = Schedule(classes, SHARES).slots(0, cut) + Schedule(classes, SHARES).slots(
        cut, count - cut
    )
    assert apart == slots


@pytest.mark.parametrize("count", [30, 300, 3000])
def test_modes_keep_their_shares_and_are_balanced_within(count: int) -> None:
    slots = Schedule(3, SHARES).slots(0, count)
    for mode, share in SHARES.items():
        some = [slot for slot in slots if slot.mode == mode]
        assert abs(len(some) - share * count) <= 3
        assert set(Counter(slot.label for slot in some).values()) == {len(some) // 3}
        assert [slot.turn for slot in some[::3]] == list(range(len(some) // 3))


def test_a_draw_follows_from_seed_place_and_candidate_alone() -> None:
    one = draw(1, 7, 0, 5, 50, (0.5, 0.8))
    again = draw(1, 7, 0, 5, 50, (0.5, 0.8))
    assert np.array_equal(one.identity, again.identity)
    for other in (draw(2, 7, 0, 5, 50, (0.5, 0.8)), draw(1, 8, 0, 5, 50, (0.5, 0.8)),
                  draw(1, 7, 1, 5, 50, (0.5, 0.8))):  # fmt: skip
        assert not np.array_equal(one.identity, other.identity)
    assert 0.5 <= one.intensity <= 0.8
    assert draw(1, 7, 0, 5, 50, (0.6, 0.6)).intensity == 0.6


def test_identities_are_uniform_on_minus_one_to_one() -> None:
    values = np.concatenate([draw(0, k, 0, 5, 50, (0, 1)).identity for k in range(200)])
    assert abs(values.mean()) < 0.02
    assert values.var() == pytest.approx(1 / 3, abs=0.01)


def test_elements_of_a_code() -> None:
    one = draw(0, 3, 0, 5, 4, (0.8, 0.8))
    equal, noted = magnitudes(one, 0.5, "equal")
    assert equal.tolist() == [0.5] * 5
    assert noted == 0.8
    varied, _ = magnitudes(one, 0.5, "varied")
    assert (varied >= 0.35).all()
    assert (varied <= 0.5).all()
    assert np.ptp(varied) > 0
    paper, mean = magnitudes(one, 0.5, "paper")
    assert paper.tolist() == one.elements.tolist()
    assert mean == pytest.approx(paper.mean())


def _order(seed: int = 0) -> SourceOrder:
    # Subject a has four faces, b and c two each.
    subjects = np.array(list("aaaabbcc"))
    expressions = np.array(["anger", "fear", "anger", "fear", "anger", "fear", "anger", ""])
    return SourceOrder(seed, "edit", expressions, subjects, ["anger", "fear"])


def test_sources_are_taken_in_turn_everybody_first_and_never_to_their_own_expression() -> None:
    order = _order()
    schedule = Schedule(2, {"edit": 1.0})
    slots = schedule.slots(0, 2 * 4 * 3)
    subjects, expressions = "aaaabbcc", ["anger", "fear"] * 3 + ["anger", ""]
    for label, name in enumerate(("anger", "fear")):
        rows = [order.source(slot, 0, 0.0) for slot in slots if slot.label == label]
        assert all(expressions[row] != name for row in rows)
        eligible = [row for row in range(8) if expressions[row] != name]
        for epoch in range(len(rows) // len(eligible)):
            turn = rows[epoch * len(eligible) : (epoch + 1) * len(eligible)]
            assert sorted(turn) == eligible
            people = len({subjects[row] for row in eligible})
            assert len({subjects[row] for row in turn[:people]}) == people


def test_the_seed_decides_the_turns_and_chance_later_candidates() -> None:
    slots = Schedule(2, {"edit": 1.0}).slots(0, 40)
    first = [_order().source(slot, 0, 0.0) for slot in slots]
    assert first != [_order(1).source(slot, 0, 0.0) for slot in slots]
    assert len({_order().source(slots[0], 1, pick) for pick in np.linspace(0, 0.999, 50)}) == 4


def test_an_expression_that_all_sources_show_is_missing() -> None:
    order = SourceOrder(0, "edit", np.array(["fear"] * 3), np.array(list("abc")), ["anger", "fear"])
    assert order.missing() == [1]
