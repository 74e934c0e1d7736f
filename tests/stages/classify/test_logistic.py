"""Logistic regression on features that are linear in the expression."""

import numpy as np
import pytest

from faceprep.core.errors import UsageError
from faceprep.stages.classify.logistic import DescribedFaces, train_logistic


def test_logistic_regression_reads_what_is_linear() -> None:
    random = np.random.default_rng(0)
    directions = random.normal(size=(3, 20))

    def faces(count: int, noise: float = 1.0) -> DescribedFaces:
        labels = np.arange(count) % 3
        values = 3 * directions[labels] + noise * random.normal(size=(count, 20))
        return DescribedFaces(np.stack([values, values], axis=1).astype(np.float16), labels)

    found = train_logistic(faces(60), faces(15), ("a", "b", "c"))
    test = faces(90)
    assert (found.log_probabilities(test).argmax(1) == test.labels).mean() > 0.95
    # Synthetic faces with turned labels do harm, as much as their share says.
    wrong = faces(300, 0.1)
    wrong = DescribedFaces(wrong.values, (wrong.labels + 1) % 3)
    spoilt = train_logistic(
        faces(60), faces(15), ("a", "b", "c"), synthetic=wrong, synthetic_share=0.9
    )
    assert (spoilt.log_probabilities(test).argmax(1) == test.labels).mean() < 0.5
    few = DescribedFaces(test.values[:0], test.labels[:0])
    with pytest.raises(UsageError, match="one expression only"):
        train_logistic(DescribedFaces(test.values[:1], test.labels[:1]), few, ("a", "b", "c"))
