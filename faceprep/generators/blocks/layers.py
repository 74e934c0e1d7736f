"""Layers: convolutions, norms and initialisations.

"SAME" padding, `BatchNorm` and the initialisation ``official`` follow TensorFlow 1, as used by the
official code of Ding et al. (2018).
"""

import math
from typing import Literal, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

_M = TypeVar("_M", bound=nn.Module)

Initialisation = Literal["official", "he"]

#: tf.contrib.layers.batch_norm's defaults.
TF_DECAY = 0.999
TF_EPSILON = 1e-3

#: Slope of every leaky ReLU.
LEAK = 0.2


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return TensorFlow's padding before and after one axis for ceil(size / stride) outputs.

    An odd zero is added after: kernel 5, stride 2, even sizes give (1, 2).
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's "SAME" zero padding, which is asymmetric at stride 2."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in, H, W)`` → ``(B, out, ceil(H / stride), ceil(W / stride))``."""
        top, bottom = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        left, right = same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        return super().forward(F.pad(x, (left, right, top, bottom)))


class BatchNorm(nn.Module):
    """Batch normalisation of ``(B, C)`` or ``(B, C, H, W)``, each parameter optional.

    Parameters
    ----------
    scale, shift
        Whether to learn γ and β. tf.contrib's default has β only.
    track
        Whether to update the running statistics in training. Ding et al. never do, so that their
        evaluation uses mean 0 and variance 1.
    decay, epsilon
        TensorFlow's names; decay 0.999 is torch's momentum 0.001.
    """

    weight: nn.Parameter | None
    bias: nn.Parameter | None
    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self,
        features: int,
        *,
        scale: bool = False,
        shift: bool = True,
        track: bool = True,
        decay: float = TF_DECAY,
        epsilon: float = TF_EPSILON,
    ) -> None:
        super().__init__()
        self.register_parameter("weight", nn.Parameter(torch.ones(features)) if scale else None)
        self.register_parameter("bias", nn.Parameter(torch.zeros(features)) if shift else None)
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))
        self.momentum = 1 - decay if track else 0.0
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Normalise with batch statistics in training, else with running statistics."""
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.momentum,
            self.epsilon,
        )


class BoundedCode(nn.Module):
    """Tanh that maps identities to the range of their prior U(-1, 1).

    With ``norm``, a batch normalisation without parameters precedes it, so that the code neither
    saturates nor collapses to a constant. Decay 0.99 lets the running statistics converge within a
    few hundred steps, for short trainings.
    """

    def __init__(self, features: int, norm: bool) -> None:
        super().__init__()
        self.norm = BatchNorm(features, shift=False, decay=0.99) if norm else None

    def forward(self, x: Tensor) -> Tensor:
        """``(B, features)``, any values → [-1, 1], float32."""
        x = x.float()
        return torch.tanh(self.norm(x) if self.norm is not None else x)


class FilmNorm(nn.Module):
    """Group normalisation scaled and shifted by a condition: (1 + γ(e))·norm(h) + β(e).

    γ and β are linear in e with zero initial weights, so that training starts from a plain norm. An
    instance norm would remove constant maps, and with them the condition.
    """

    def __init__(self, features: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(math.gcd(8, features), features, affine=False)
        self.film = nn.Linear(condition, 2 * features)
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)

    def forward(self, h: Tensor, condition: Tensor) -> Tensor:
        """`h`: ``(B, features, H, W)``, `condition`: ``(B, condition)`` → shape of `h`."""
        gamma, beta = self.film(condition)[:, :, None, None].chunk(2, dim=1)
        return (self.norm(h) * (1 + gamma) + beta).to(h.dtype)


def upsample(x: Tensor) -> Tensor:
    """Double height and width by nearest neighbour."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def append_maps(x: Tensor, code: Tensor) -> Tensor:
    """Append the code ``(B, n)`` to ``(B, C, H, W)`` as n constant maps."""
    maps = code.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, maps], dim=1)


def channels_last(module: _M) -> _M:
    """Convert the weights of convolutions to channels last: with batch norms twice as fast."""
    for parameter in module.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return module


class SpectralNorm(nn.Module):
    """Divide a weight by its largest singular value, by power iteration (Miyato et al. 2018).

    Values, names and random numbers equal those of ``torch.nn.utils.parametrizations``. Nothing is
    computed on device ``meta``, where torch takes seconds to build a discriminator.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        rows = weight.flatten(1)
        for name, length in zip(("_u", "_v"), rows.shape, strict=True):
            vector = rows.new_empty(length)
            if not weight.is_meta:
                vector = F.normalize(vector.normal_(), dim=0)
            self.register_buffer(name, vector)
        self._iterate(rows, 15)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the normalized weight; in training mode, iterate once before."""
        if weight.is_meta:
            return weight
        rows = weight.flatten(1)
        if self.training:
            self._iterate(rows, 1)
        # The buffers change in place in the next step, before this step is differentiated.
        return weight / torch.vdot(self._u.clone(), torch.mv(rows, self._v.clone()))

    def right_inverse(self, value: Tensor) -> Tensor:
        """Take an assigned weight as it is."""
        return value

    @torch.no_grad()
    def _iterate(self, rows: Tensor, times: int) -> None:
        for _ in range(0 if rows.is_meta else times):
            F.normalize(torch.mv(rows, self._v), dim=0, out=self._u)
            F.normalize(torch.mv(rows.t(), self._u), dim=0, out=self._v)


def with_spectral_norm(layer: nn.Module, wanted: bool) -> nn.Module:
    """Divide the layer's weight by its largest singular value, if `wanted`."""
    if wanted:
        register_parametrization(layer, "weight", SpectralNorm(cast(Tensor, layer.weight)))
    return layer


def initialise(layer: nn.Module, kind: Initialisation, std: float | None = None) -> None:
    """Draw the weights of a convolution or a fully connected layer; its bias becomes 0.

    Parameters
    ----------
    kind
        ``official``: convolutions from a normal cut at two σ with σ² = 2 / (√(in·out)·k·k), fully
        connected layers from a normal with σ² = 1 / √(in·out) (Ding et al. 2018). ``he``: both
        from a normal with σ² = 2 / inputs (He et al. 2015).
    std
        σ of an official convolution in place of the formula: 0.02 in the decoder.
    """
    weight = cast(nn.Parameter, layer.weight)
    if weight.is_meta:
        return
    if kind == "he":
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    elif isinstance(layer, nn.Conv2d):
        area = layer.kernel_size[0] * layer.kernel_size[1]
        formula = math.sqrt(2 / (math.sqrt(layer.in_channels * layer.out_channels) * area))
        sigma = formula if std is None else std
        nn.init.trunc_normal_(weight, 0.0, sigma, -2 * sigma, 2 * sigma)
    else:
        inputs, outputs = weight.shape[1], weight.shape[0]
        nn.init.normal_(weight, 0.0, math.sqrt(1 / math.sqrt(inputs * outputs)))
    if isinstance(layer.bias, Tensor):
        nn.init.zeros_(layer.bias)
