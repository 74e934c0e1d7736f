import numpy as np
import torch

from faceprep.core.pixels import image_tensor, to_levels, to_uint8, to_unit_range


def test_every_level_survives_the_way_there_and_back():
    levels = torch.arange(256, dtype=torch.uint8)
    x = to_unit_range(levels)
    assert x.dtype == torch.float32
    assert (x.min(), x.max()) == (-1, 1)
    assert torch.equal(to_uint8(x), levels)


def test_values_outside_the_range_are_clipped():
    assert to_uint8(torch.tensor([-3.0, 0.0, 7.0])).tolist() == [0, 128, 255]
    assert to_levels(torch.tensor([-3.0, 0.0])).tolist() == [-255.0, 127.5]


def test_images_are_put_channels_first():
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), np.uint8)
    x = image_tensor(images)
    assert x.shape == (2, 3, 5, 4)
    assert np.array_equal(to_uint8(x).permute(0, 2, 3, 1).numpy(), images)
