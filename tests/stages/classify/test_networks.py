"""Networks: the number of weights of the paper, and invariance to lighting."""

import pytest
import torch
from builders.classify import face_pool
from builders.training import LABELS

from faceprep.core.errors import UsageError
from faceprep.stages.classify.networks import build_classifier


def test_paper_is_g_enc_with_one_layer_more() -> None:
    six = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
    with torch.device("meta"):
        network = build_classifier("paper", six, 128, 0)
    assert sum(p.numel() for p in network.parameters()) == 18_234_340
    with pytest.raises(UsageError, match="no network is called 'large'"):
        build_classifier("large", six, 128, 0)


def test_a_light_picture_and_a_dark_one_are_the_same_to_the_small_network() -> None:
    network = build_classifier("small", LABELS, 32, 0).eval()
    x = face_pool(0, 2).batch(torch.arange(8)) * 0.4
    assert torch.allclose(network(x), network(x * 0.5 + 0.3), atol=0.1)
