"""Result of a selection."""

from dataclasses import dataclass, field
from typing import Any

from faceprep.execution.plan import StageResult
from faceprep.stages.select.summary import Summary


@dataclass
class SelectResult(StageResult):
    """Result of a selection.

    Attributes
    ----------
    summary
        Counts by expression and split, excluded frames, notes.
    dry_run
        Whether nothing was written.
    """

    summary: Summary = field(default_factory=Summary)
    dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return {**vars(self), "summary": self.summary.as_dict()}
