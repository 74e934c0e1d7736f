"""Find faces of the same person with another expression, to compare edits with."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class SamePersonPairs:
    """Index of the faces of every person by expression.

    Parameters
    ----------
    subjects, labels
        Subject and label (index into the classes) of every face.
    classes
        Number of expressions.
    """

    def __init__(self, subjects: Sequence[str], labels: Tensor, classes: int) -> None:
        self.person = np.unique(np.array(subjects, str), return_inverse=True)[1].astype(np.int64)
        group = self.person * classes + labels.cpu().numpy()
        self.classes = classes
        self.order = np.argsort(group, kind="stable")
        self.counts = np.bincount(group, minlength=classes)
        self.starts = np.cumsum(self.counts) - self.counts

    def __bool__(self) -> bool:
        """Return whether any person has two expressions."""
        groups = np.flatnonzero(self.counts)
        return len(np.unique(groups // self.classes)) < len(groups)

    def take(
        self, indices: Tensor, labels: Tensor, random: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Draw a face of the same person with another expression.

        Parameters
        ----------
        indices, labels
            ``(B,)`` faces, and the requested expressions.
        random
            Random stream; B numbers are drawn.

        Returns
        -------
        ``(B,)`` indices, and ``(B,)`` bool: false without such a face (index of the face itself).
        """
        own = indices.cpu().numpy()
        place = random.random(len(own))
        group = self.person[own] * self.classes + labels.cpu().numpy()
        inside = group < len(self.counts)
        group = np.where(inside, group, 0)
        counts = np.where(inside, self.counts[group], 0)
        found = self.order[
            np.minimum(self.starts[group] + np.floor(place * counts), len(self.order) - 1).astype(
                np.int64
            )
        ]
        return torch.from_numpy(np.where(counts > 0, found, own)), torch.from_numpy(counts > 0)
