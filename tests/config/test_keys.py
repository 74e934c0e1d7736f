"""Test the meanings, choices and defaults of the keys of the configuration."""

from faceprep.config.keys import keys, keys_of


def test_every_key_has_a_meaning() -> None:
    assert [key.name for key in keys().values() if not key.meaning] == []


def test_choices_and_limits_come_from_the_types() -> None:
    assert keys()["align.detector"].choices == ("mtcnn", "dlib", "given")
    assert keys()["align.turns"].choices == ("1", "4")
    assert keys()["train.neutral"].choices == ("true", "false", "none")
    assert keys()["select.folds"].limits == "≥ 2, ≤ 127"
    assert keys()["select.folds"].variable == "FACEPREP_SELECT_FOLDS"


def test_a_name_is_a_key_an_element_of_a_table_or_a_section() -> None:
    assert [key.name for key in keys_of("align.size")] == ["align.size"]
    assert [key.name for key in keys_of("train.weights.q")] == ["train.weights"]
    assert {key.name for key in keys_of("heatmaps")} == {"heatmaps.sigma", "heatmaps.channels"}
    assert keys_of("align.size.q") == keys_of("aline") == []
