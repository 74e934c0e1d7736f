"""The committed baseline of an accuracy table."""

from dataclasses import dataclass, field
from typing import Any

from faceprep.core.files import digest

#: Columns of the accuracy table that are compared with the baseline.
MEASURES = ("accuracy", "balanced_accuracy")

#: A row of the table: generator, arm, number of synthetic faces.
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Entry:
    """Expected values of one row of the table.

    Attributes
    ----------
    generator, arm, n_synthetic
        The row; `arm` is the augmentation of the real faces.
    value
        Measure → mean over the seeds, 0 to 1.
    tolerance
        Measure → accepted decrease below `value`.
    seeds
        Number of seeds.
    total
        Number of test faces per seed, in all folds together.
    """

    generator: str
    arm: str
    n_synthetic: int
    value: dict[str, float]
    tolerance: dict[str, float]
    seeds: int
    total: int

    @property
    def key(self) -> Key:
        """Generator, arm and number of synthetic faces."""
        return self.generator, self.arm, self.n_synthetic

    @property
    def name(self) -> str:
        """Row as text."""
        return row_name(self.key)


@dataclass(frozen=True)
class Baseline:
    """A committed baseline.

    Attributes
    ----------
    entries
        Rows of the table.
    settings
        Dotted key → value of every setting of the table.
    reason
        Reason given by the user.
    versions
        Versions of Python and of the packages at that time; printed, never compared.
    """

    entries: tuple[Entry, ...]
    settings: dict[str, Any]
    reason: str
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> str:
        """Hash of the settings."""
        return digest(self.settings)


def row_name(key: Key) -> str:
    """Return a row as text: ``GENERATOR, flips, 3000 synthetic``."""
    generator, arm, count = key
    return ", ".join(word for word in (generator, arm, f"{count} synthetic") if word)
