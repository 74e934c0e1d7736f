"""Pairs of faces of one person: the second face is the known result of an edit of the first."""

import numpy as np
import torch
from torch import Tensor

from faceprep.training.crops import Crops, ExpressionPairs
from faceprep.training.known_results import KnownResults

#: Number of faces, and smallest share of them with a known result, for `Pairs.occur`.
_TRIED, _SHARE = 256, 0.1


class Pairs:
    """Draw another expression of the person, in the sequence of the face if it has one.

    Pose and light are equal in a sequence.
    """

    def __init__(self, crops: Crops) -> None:
        self.crops, self.pairs = crops, ExpressionPairs(crops)
        self.known_results = KnownResults(crops)

    def take(
        self, indices: Tensor, random: np.random.Generator, noise: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return ``(B,)`` other faces, and whether there is one (else the face itself)."""
        count = len(self.crops.classes)
        shift = torch.randint(1, count, (len(indices),), generator=noise)
        another = (self.pairs.labels[indices] + shift) % count
        others, found = self.pairs.people.take(indices, another, random)
        near, same = self.pairs.in_sequence(indices, random)
        return torch.where(same, near, others), found | same

    def results(
        self, indices: Tensor, others: Tensor, flips: Tensor, limit: float
    ) -> tuple[Tensor, Tensor]:
        """Return ``(B, 3, S, S)`` results, and ``(B,)`` whether they are close to their sources.

        `limit`: see `faceprep.generators.action_units.recipe.Recipe.known_limit`.
        """
        result = self.known_results(indices, others, flips)
        difference = self.crops.batch(indices, flips) - result
        return result, difference.square().mean((1, 2, 3)) <= limit

    def occur(self, limit: float) -> bool:
        """Return whether a share of the faces, of some tried, have a known result."""
        indices = self.crops.spaced(_TRIED)
        noise = torch.Generator().manual_seed(0)
        others, found = self.take(indices, np.random.default_rng(0), noise)
        flips = torch.zeros(len(indices), dtype=torch.bool)
        close = self.results(indices, others, flips, limit)[1].cpu()
        return float((found & close).float().mean()) >= _SHARE
