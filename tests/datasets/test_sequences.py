from hypothesis import given
from hypothesis import strategies as st

from faceprep.datasets.sequences import roles


@given(st.integers(1, 40), st.integers(0, 5), st.integers(1, 5))
def test_no_frame_gets_two_roles_and_the_last_is_always_peak(count, neutral, peak):
    neutrals, peaks = roles(count, neutral, peak)
    assert neutrals + peaks <= count
    assert 0 <= neutrals <= neutral
    assert 1 <= peaks <= peak
    if count >= neutral + peak:
        assert (neutrals, peaks) == (neutral, peak)
    if neutral and count > 1:
        assert neutrals >= 1
