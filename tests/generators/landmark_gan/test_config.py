"""Settings of the networks."""

import pytest
from builders.landmarks import network_config

from faceprep.core.errors import UsageError
from faceprep.generators.landmark_gan.config import LandmarkConfig


@pytest.mark.parametrize("preset", ["paper", "modern", "tiny"])
def test_a_configuration_is_restored_from_its_file(preset: str) -> None:
    config = network_config(preset)
    assert LandmarkConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    "wrong", [{"width": 10_000}, {"heatmaps": "edges"}, {"label": 1}, {"residual_limit": 0.0}]
)
def test_values_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        network_config(**wrong)


def test_without_initialize_network_there_are_no_features_for_skips() -> None:
    assert network_config(skips=True).has_skips
    assert not network_config(skips=True, initialize=False).has_skips


def test_a_label_is_read_as_maps_or_as_modulation() -> None:
    maps, film = network_config(label_input="maps"), network_config(label_input="film")
    assert (maps.label_maps, maps.modulated) == (4, False)
    assert (film.label_maps, film.modulated) == (0, True)
    none = network_config(label=False)
    assert (none.label_maps, none.modulated) == (0, False)
