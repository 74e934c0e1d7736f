"""The decoder."""

import pytest
import torch
from builders.landmarks import network_config, randomise

from faceprep.generators.landmark_gan.decoder import Decoder


def decoded(asked: torch.Tensor, **changes: object) -> torch.Tensor:
    torch.manual_seed(0)
    decoder = Decoder(network_config("paper", **changes)).eval()
    randomise(decoder)
    return decoder(torch.rand(1, 16, 8, 8), [], asked).colour.detach()


@pytest.mark.parametrize("label_input", ["maps", "film"])
@pytest.mark.parametrize("upsampling", ["transposed", "nearest"])
def test_the_output_depends_on_the_label(label_input: str, upsampling: str) -> None:
    one, other = torch.eye(4)[:1], torch.eye(4)[1:2]
    how = {"label_input": label_input, "upsampling": upsampling}
    assert decoded(one, **how).shape == (1, 3, 32, 32)
    assert not torch.allclose(decoded(one, **how), decoded(other, **how), atol=1e-4)
    assert torch.equal(decoded(one, label=False, **how), decoded(other, label=False, **how))


def test_an_edit_begins_without_residual_and_flow() -> None:
    decoder = Decoder(network_config("tiny"))
    levels = [torch.rand(1, 4, 32, 32), torch.rand(1, 8, 16, 16)]
    made = decoder(torch.rand(1, 16, 8, 8), levels, torch.eye(4)[:1])
    assert made.flow is not None
    assert not bool(made.colour.any() or made.flow.any())
