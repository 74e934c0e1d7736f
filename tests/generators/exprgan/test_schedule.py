"""Phases of the presets, and what the settings change in them."""

from dataclasses import asdict

import pytest

from faceprep.core.errors import UsageError
from faceprep.generators.exprgan.forward import needs_features
from faceprep.generators.exprgan.phase import Weights
from faceprep.generators.exprgan.schedule import phases


def test_lengths_of_all_phases_together() -> None:
    assert [s.length(1296) for s in phases("paper")] == [4200, 1350, 1350]
    assert [s.length(1296) for s in phases("paper", steps=69)] == [42, 14, 13]
    assert [s.epochs for s in phases("paper", epochs=60)] == [40, 10, 10]
    assert phases("modern", epochs=5)[0].length(100) == 5 * 6
    assert phases("tiny", steps=7)[0].length(10_000) == 7


def test_fewer_faces_than_a_batch() -> None:
    with pytest.raises(UsageError, match="do not fill a batch of 60"):
        phases("paper")[0].length(59)


def test_what_is_given_takes_the_place_of_the_presets() -> None:
    switches = {"augment": False, "betas": [0.0, 0.99]}
    (phase,) = phases("modern", batch=32, weights={"q": 2.0}, switches=switches)
    plain = asdict(phases("modern")[0])
    changed = {key for key, value in asdict(phase).items() if value != plain[key]}
    assert changed == {"augment", "betas", "batch", "weights"}
    assert phases("paper", switches={"vgg_norm": "mean"})[1].feature_norm == "mean"


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UsageError, match="no loss is called 'pixels'") as caught:
        phases("tiny", weights={"pixels": 1.0})
    assert "pixel_bottleneck" in str(caught.value.hint)
    with pytest.raises(UsageError, match="no switch of the training is called 'vgg_norm'"):
        phases("tiny", switches={"vgg_norm": "mean"})


def test_what_needs_face_features() -> None:
    assert not needs_features(Weights(pixel=1, q=1))
    assert needs_features(Weights(class_frozen=0.5))
