"""Fit the distribution of identities, to sample new ones.

ExprGAN trains identities towards U(-1, 1) with D_z, and samples new ones from it. After a short
training, identities cover only a part of it, and the decoder fails on the rest. So a Gaussian is
fitted to the identities after the training (Ghosh et al. 2020, "From variational to deterministic
autoencoders"), and uniform numbers are mapped to it.
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

#: Largest magnitude of an identity, or of a uniform number.
_EDGE = 0.999

#: Added to the variances, relative to their mean, because few faces leave some directions at 0.
_RIDGE = 1e-3


@dataclass(frozen=True)
class IdentityPrior:
    """Gaussian distribution of identities before the tanh."""

    mean: Tensor  # ``(G,)``
    factor: Tensor  # ``(G, G)``, lower triangular Cholesky factor of the covariance

    def __call__(self, u: Tensor) -> Tensor:
        """Map numbers ``(B, G)`` of U(-1, 1) to identities ``(B, G)`` in [-1, 1]."""
        normal = torch.erfinv(u.float().clamp(-_EDGE, _EDGE)) * math.sqrt(2)
        factor, mean = self.factor.to(u.device), self.mean.to(u.device)
        return torch.tanh(mean + normal @ factor.T)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a generator's file."""
        return {"mean": self.mean.tolist(), "factor": self.factor.tolist()}


def fit_prior(identities: Tensor) -> IdentityPrior:
    """Fit the prior to the identities ``(N, G)`` in [-1, 1] of training faces."""
    free = torch.atanh(identities.detach().double().cpu().clamp(-_EDGE, _EDGE))
    mean = free.mean(0)
    centred = free - mean
    covariance = centred.T @ centred / max(len(free) - 1, 1)
    ridge = _RIDGE * covariance.diagonal().mean() + 1e-6
    factor = torch.linalg.cholesky(covariance + ridge * torch.eye(len(mean), dtype=free.dtype))
    return IdentityPrior(mean.float(), factor.float())


def prior_from_json(values: Mapping[str, Any], identity: int) -> IdentityPrior:
    """Read the output of `IdentityPrior.to_json` for identities of length `identity`.

    Raises `UsageError`: the values are not a prior of that length.
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
