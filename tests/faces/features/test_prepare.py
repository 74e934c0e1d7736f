"""Compare sampling with the filter of torch and closed forms."""

import pytest
import torch
from builders.features import crops
from torch.nn import functional

from faceprep.faces.features.prepare import Prepare, Window, sample


@pytest.mark.parametrize(("side", "size"), [(128, 224), (64, 150), (256, 150), (500, 96), (80, 80)])
def test_the_whole_crop_is_resized_as_torch_does(side, size):
    crop = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    expected = functional.interpolate(crop, (size, size), mode="bilinear", antialias=True)
    assert (sample(crop, size, Window()) - expected).abs().max() < 1e-5


def test_a_ramp_shows_where_samples_are_taken():
    width, height = 100, 50
    x = (torch.arange(width) + 0.5) / width
    y = (torch.arange(height) + 0.5) / height
    ramps = torch.stack([x.expand(height, width), y[:, None].expand(height, width)])
    columns, rows = sample(ramps, 150, Window(left=0.2, top=0.3, side=0.5))
    places = (torch.arange(150) + 0.5) / 150 * 0.5
    assert torch.allclose(columns, (0.2 + places).expand(150, 150), atol=1e-5)
    assert torch.allclose(rows, (0.3 + places)[:, None].expand(150, 150), atol=1e-5)


def test_outside_the_crop_is_black():
    white = torch.ones(1, 3, 64, 64)
    shown = sample(white, 64, Window(left=-0.5, top=0.0, side=1.0))
    assert shown[..., :30].abs().max() == 0
    assert shown[..., 34:].sub(1).abs().max() < 1e-5


def test_the_mean_colour_becomes_zero():
    prepare = Prepare((129.0, 105.0, 94.0), (1.0, 2.0, 4.0), 32)
    mean = (torch.tensor([129.0, 105.0, 94.0]) / 127.5 - 1)[None, :, None, None]
    assert prepare(mean.expand(1, 3, 20, 20)).abs().max() < 1e-4
    brighter = (mean + 8 / 127.5).expand(1, 3, 20, 20)
    assert torch.allclose(prepare(brighter).mean((0, 2, 3)), torch.tensor([8.0, 4, 2]), atol=1e-3)


def test_native_size_leaves_the_pixels():
    crop = crops(1, 50)
    assert torch.allclose(Prepare((0, 0, 0), (1, 1, 1), None)(crop), (crop + 1) * 127.5)


def test_autocast_does_not_round_pixels():
    prepare, crop = Prepare((0, 0, 0), (1, 1, 1), 150), crops(1, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = prepare(crop)
    assert torch.equal(rough, prepare(crop))
