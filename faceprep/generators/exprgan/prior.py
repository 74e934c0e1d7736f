"""Where new identities come from, when the encoder's do not fill the prior.

ExprGAN presses identities into U(-1, 1) with D_z, and draws new ones from there. In a short
training they stay a cloud in a corner of it, and what the decoder never saw comes out as a ghost.
So the cloud is measured after the training (Ghosh et al. 2020, "From variational to deterministic
autoencoders", fit a Gaussian in the same way), and uniform numbers are brought into it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from faceprep.core.errors import UsageError

#: Name of the prior in the `extra` of a generator's file.
PRIOR = "prior"

#: Nearest to ±1 that an identity, or a uniform number, is taken.
_EDGE = 0.999

#: Added to the variances, as a part of their mean: few faces leave directions without any.
_RIDGE = 1e-3


@dataclass(frozen=True)
class IdentityPrior:
    """A Gaussian of identities before their tanh.

    Attributes
    ----------
    mean
        ``(G,)``.
    factor
        ``(G, G)``, lower triangle; times its transpose, the covariance.
    """

    mean: Tensor
    factor: Tensor

    def __call__(self, u: Tensor) -> Tensor:
        """Numbers ``(B, G)`` of U(-1, 1) → identities ``(B, G)`` in [-1, 1], on their device."""
        normal = torch.erfinv(u.float().clamp(-_EDGE, _EDGE)) * math.sqrt(2)
        factor, mean = self.factor.to(u.device), self.mean.to(u.device)
        return torch.tanh(mean + normal @ factor.T)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a generator's file."""
        return {"mean": self.mean.tolist(), "factor": self.factor.tolist()}


def fit_prior(identities: Tensor) -> IdentityPrior:
    """Measure the identities ``(N, G)`` in [-1, 1] of training faces."""
    free = torch.atanh(identities.detach().double().cpu().clamp(-_EDGE, _EDGE))
    mean = free.mean(0)
    centred = free - mean
    covariance = centred.T @ centred / max(len(free) - 1, 1)
    ridge = _RIDGE * covariance.diagonal().mean() + 1e-6
    factor = torch.linalg.cholesky(covariance + ridge * torch.eye(len(mean), dtype=free.dtype))
    return IdentityPrior(mean.float(), factor.float())


def prior_from_json(values: Mapping[str, Any], identity: int) -> IdentityPrior:
    """Read what `IdentityPrior.to_json` wrote for identities of length `identity`.

    Raises
    ------
    UsageError
        It is no such thing.
    """
    try:
        mean = torch.tensor(values["mean"], dtype=torch.float32)
        factor = torch.tensor(values["factor"], dtype=torch.float32)
    except (KeyError, TypeError, ValueError, RuntimeError):
        raise UsageError("its prior of identities is damaged") from None
    finite = bool(torch.isfinite(mean).all() and torch.isfinite(factor).all())
    if mean.shape != (identity,) or factor.shape != (identity, identity) or not finite:
        raise UsageError("its prior of identities is damaged")
    return IdentityPrior(mean, factor)
