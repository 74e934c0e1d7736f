"""Action Units that a user names."""

import pytest

from faceprep.core.errors import Again, UsageError
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.inference.action_units import parse_assignments, parse_units


def test_names_are_understood_in_several_spellings() -> None:
    found = parse_assignments(["AU12=3.5", "au6=2", "1=0", "AU45_r=5", "AU04 = 1"])
    assert found == {"AU12": 3.5, "AU06": 2, "AU01": 0, "AU45": 5, "AU04": 1}
    assert parse_units(["AU12", "au06", "12"]) == ["AU12", "AU06"]
    assert parse_units(["AU12", "all"]) == ["AU12", *(au for au in INTENSITY_AUS if au != "AU12")]


@pytest.mark.parametrize(
    ("words", "message", "instead"),
    [
        (["AU06=1", "AU12=7.0"], "lies outside 0 … 5", ("AU06=1", "AU12=5")),
        (["AU12=-1"], "lies outside 0 … 5", ("AU12=0",)),
        (["AU12=NaN"], "lies outside 0 … 5", ("AU12=5",)),
        (["AU12"], "an intensity from 0 to 5 is missing", ("AU12=5",)),
        (["AU12="], "an intensity from 0 to 5 is missing", ("AU12=5",)),
        (["AU12=much"], "'much' is no number", ("AU12=5",)),
        (["AU12=1", "AU06=2", "12=3"], "AU12 has more than one", ("AU06=2", "12=3")),
    ],
)
def test_a_wrong_intensity_is_refused_with_the_command_that_works(words, message, instead) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_assignments(words)
    assert isinstance(caught.value.hint, Again)
    assert caught.value.hint.overrides == {"au": instead}
    assert parse_assignments(instead)


def test_an_unknown_unit_is_refused_with_the_list() -> None:
    for word in ("AU99=1", "AU28=1", "smile=1", "=1", ""):
        with pytest.raises(UsageError, match="there is no Action Unit") as caught:
            parse_assignments([word])
        assert caught.value.hint == f"one of: {', '.join(INTENSITY_AUS)}"
    with pytest.raises(UsageError, match="--sweep AU99: there is no Action Unit 'AU99'") as caught:
        parse_units(["AU12", "AU99"])
    assert str(caught.value.hint).startswith("one of: AU01")
