"""Other faces of the same person: what an edit should have looked like, where a dataset has it.

Oulu-CASIA, CK+ and the drawn dataset show everybody with several expressions. There an edit has a
photograph to be compared with; a face without one simply has none.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class SamePersonPairs:
    """Finds a person's faces by expression.

    Parameters
    ----------
    subjects, labels
        Of all faces; indices into the classes.
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
        """Whether anybody is there with two expressions."""
        groups = np.flatnonzero(self.counts)
        return len(np.unique(groups // self.classes)) < len(groups)

    def take(
        self, indices: Tensor, labels: Tensor, random: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Draw a face of the same person with another expression.

        Parameters
        ----------
        indices, labels
            ``(B,)`` faces, and the expressions that are wanted of the same people.
        random
            Moves on by B numbers.

        Returns
        -------
        ``(B,)`` indices, the face itself where there is none, and ``(B,)`` bool: there is one.
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
