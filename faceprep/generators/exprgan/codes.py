"""Expression codes, the decoder's input that determines the expression.

A code has K blocks of d elements, one block per class. In training the block of the shown class
is positive and all others are negative with the same magnitudes: ``|z|·(2y − 1)`` (ExprGAN, eq. 3).
The table shows which codes for editing have that form.

=======================  ============================================  ====================
code                     blocks                                        seen in training
=======================  ============================================  ====================
`expression_code`        active +m, others −m, m = abs(z) per element  yes
`intensity_code`         active s, others −s, s in [0, 1]              yes
`element_code`           one element of the active block +1, all −1    no (ExprGAN, Fig. 3)
`absent_code`            all −1                                        no (ExprGAN, Fig. 3)
=======================  ============================================  ====================
"""

import torch
from torch import Tensor

from faceprep.core.errors import Again, UsageError

#: Variance of one magnitude, |U(-1, 1)|.
UNIFORM_VARIANCE = 1 / 12

#: Mean and variance for `edit_magnitudes`: E r · E v and E r² · E v² − (E r · E v)², r = √U,
#: v uniform on [0.7, 1].
EDIT_MEAN = 0.85 * 2 / 3
EDIT_VARIANCE = (0.85**2 + 0.3**2 / 12) / 2 - EDIT_MEAN**2


def expression_code(y: Tensor, z: Tensor) -> Tensor:
    """Return the output of F_ctrl: ``c_i = |z|·(2·y_i − 1)``, one `z` for all classes (eq. 3).

    `y`: ``(B, K)`` one-hot labels.
    `z`: ``(B, d)`` in [-1, 1], of which the magnitude is used.
    Returns ``(B, K·d)`` in [-1, 1], class after class.
    """
    return ((2 * y - 1)[:, :, None] * z.abs()[:, None, :]).flatten(1)


def intensity_code(y: Tensor, s: Tensor | float, elements: int) -> Tensor:
    """Return the code of an intensity: active block s, all others −s.

    `y`: ``(B, K)`` one-hot labels.
    `s`: intensity in [0, 1], a scalar or ``(B,)``. At 0 all classes have the same code.
    `elements`: number d of elements per class.
    Raises `UsageError`: an intensity is outside [0, 1].
    """
    level = torch.as_tensor(s, dtype=y.dtype, device=y.device).reshape(-1, 1)
    if not bool(((level >= 0) & (level <= 1)).all()):
        raise UsageError("an intensity lies outside 0 … 1", hint=Again({"intensity": 1}))
    return expression_code(y, level.expand(len(y), elements))


def element_code(y: Tensor, element: int, elements: int) -> Tensor:
    """Return the code with one element of the active block +1 and all others −1 (Fig. 3).

    Returns ``(B, K·d)``. The elements are not ordered by intensity.
    """
    if not 0 <= element < elements:
        raise UsageError(f"element {element} of a code with {elements} elements a class")
    code = torch.full((*y.shape, elements), -1.0, dtype=y.dtype, device=y.device)
    code[:, :, element] = 2 * y - 1
    return code.flatten(1)


def uniform_noise(
    batch: int,
    length: int,
    generator: torch.Generator | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """Draw ``(batch, length)`` from U(-1, 1): the prior of identities and of `z`.

    The numbers are drawn on the device of `generator` (the CPU if None) and moved to `device`.
    """
    where = generator.device if generator is not None else torch.device("cpu")
    noise = torch.rand(batch, length, generator=generator, device=where)
    return (noise * 2 - 1).to(device or where)


def edit_magnitudes(
    batch: int,
    elements: int,
    generator: torch.Generator | None = None,
    device: torch.device | str | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw codes for edits in training, mostly strong, with similar elements.

    Returns magnitudes `z` ``(B, d)`` = r·(0.7 + 0.3·U), for `expression_code`, and their strength
    `r` ``(B,)``, the root of U(0, 1), which weights the class loss.
    """
    where = generator.device if generator is not None else torch.device("cpu")
    draw = torch.rand(batch, elements + 1, generator=generator, device=where)
    strength = draw[:, 0].sqrt()
    magnitudes = strength[:, None] * (0.7 + 0.3 * draw[:, 1:])
    target = device or where
    return magnitudes.to(target), strength.to(target)
