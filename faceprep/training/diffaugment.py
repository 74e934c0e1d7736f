"""Differentiable augmentation of the inputs of discriminators (after Zhao et al. 2020).

It is applied to real and generated images, and gradients pass to the generator. Random numbers are
drawn separately, so that pairs (an image and its heatmap, a source and its target) share them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Augmentation = Literal["colour", "translation", "cutout"]

#: All augmentations, for a discriminator without Q: a cutout may hide the intensity that Q reads.
ALL: tuple[Augmentation, ...] = ("colour", "translation", "cutout")
WITHOUT_CUTOUT: tuple[Augmentation, ...] = ("colour", "translation")

#: Largest shift, and side of the hole, relative to the side of the image.
SHIFT, HOLE = 1 / 8, 1 / 2


@dataclass(frozen=True)
class Draw:
    """Random numbers of one batch; None for a disabled augmentation."""

    #: ``(B, 3)``: brightness added in [-0.5, 0.5], factor of saturation in [0, 2], factor of
    #: contrast in [0.5, 1.5].
    colour: Tensor | None
    translation: Tensor | None  # ``(B, 2)`` x, y in [-1, 1] of the largest shift
    cutout: Tensor | None  # ``(B, 2)`` x, y of the hole's centre in [0, 1] of the side


def draw(
    batch: int,
    policy: Sequence[Augmentation] = ALL,
    generator: torch.Generator | None = None,
    device: torch.device | str | None = None,
) -> Draw:
    """Draw random numbers on the device of `generator` (the CPU if None), and move them.

    The stream advances by the same amount for every policy.
    """
    where = generator.device if generator is not None else torch.device("cpu")
    u = torch.rand(batch, 7, generator=generator, device=where).to(device or where)
    scale, offset = u.new_tensor([1.0, 2.0, 1.0]), u.new_tensor([-0.5, 0.0, 0.5])
    return Draw(
        colour=u[:, :3] * scale + offset if "colour" in policy else None,
        translation=u[:, 3:5] * 2 - 1 if "translation" in policy else None,
        cutout=u[:, 5:] if "cutout" in policy else None,
    )


def augment(x: Tensor, numbers: Draw, colour: bool = True) -> Tensor:
    """Augment a batch.

    Parameters
    ----------
    x
        ``(B, C, H, W)``, images in [-1, 1]; borders and holes become 0, mid-gray.
    numbers
        Result of `draw`, shared by images that belong together.
    colour
        False keeps the colours, for heatmaps and masks.

    Returns
    -------
    ``(B, C, H, W)`` float32, differentiable in `x`; values may leave [-1, 1].
    """
    x = x.float()
    if colour and numbers.colour is not None:
        x = change_colours(x, *numbers.colour.unbind(1))
    if numbers.translation is not None:
        x = _translate(x, numbers.translation)
    if numbers.cutout is not None:
        x = x * _outside(x, numbers.cutout)
    return x


def change_colours(x: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    """Add a brightness, and multiply saturation and contrast, ``(B,)`` each."""
    x = x + brightness[:, None, None, None]
    gray = x.mean(dim=1, keepdim=True)
    x = gray + (x - gray) * saturation[:, None, None, None]
    level = x.mean(dim=(1, 2, 3), keepdim=True)
    return level + (x - level) * contrast[:, None, None, None]


def _translate(x: Tensor, numbers: Tensor) -> Tensor:
    height, width = x.shape[2:]
    reach_x, reach_y = round(width * SHIFT), round(height * SHIFT)
    shift = torch.round(numbers * numbers.new_tensor([reach_x, reach_y])).long()
    x = F.pad(x, (reach_x, reach_x, reach_y, reach_y))
    rows = torch.arange(height, device=x.device) + reach_y - shift[:, 1:]
    columns = torch.arange(width, device=x.device) + reach_x - shift[:, :1]
    x = x.gather(2, rows[:, None, :, None].expand(-1, x.shape[1], -1, x.shape[3]))
    return x.gather(3, columns[:, None, None, :].expand(-1, x.shape[1], height, -1))


def _outside(x: Tensor, centre: Tensor) -> Tensor:
    """Return a mask ``(B, 1, H, W)``: 1 outside the hole, 0 inside."""
    inside = []
    for axis, side in ((1, x.shape[2]), (0, x.shape[3])):
        pixels = torch.arange(side, device=x.device) + 0.5
        inside.append((pixels - centre[:, axis : axis + 1] * side).abs() < HOLE * side / 2)
    hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return (~hole).to(x.dtype)
