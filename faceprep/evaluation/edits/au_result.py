"""Result of an evaluation of edits by Action Units."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Error:
    """Mean absolute error of edits and of unedited copies, in AU intensities, 0–5."""

    edit: float
    copy: float
    ratio: float  # of the edits to the copies

    @classmethod
    def of(cls, edit: float, copy: float) -> "Error":
        """Compare two errors; the ratio is NaN if the copies have none."""
        return cls(edit, copy, edit / copy if copy > 0 else np.nan)


@dataclass(frozen=True, slots=True)
class AURow:
    """Numbers of one AU; NaN if undefined."""

    au: str
    spread: float  # standard deviation of the requested values
    varies: bool  # whether it counts in the means
    error: Error
    change: Error
    r: float  # Pearson correlation of requested and measured change
    #: Sweep: the AU requested from 0 to 5, the others kept. Mean over the faces of Spearman's ρ
    #: between requested and measured value; a face that does not change counts as 0.
    rho: float = np.nan
    #: Share of the change of the edits at 5 inside the AU's regions, and their share of the area.
    inside: float = np.nan
    area: float = np.nan


@dataclass(frozen=True, slots=True)
class AUExpression:
    """Numbers of the edits to one expression."""

    expression: str
    faces: int
    error: Error  # over the AUs that vary
    #: Share of the change inside the regions of the AUs that are to change, and share of the area.
    inside: float
    area: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Error and identity of edits at one intensity, against the AUs of the whole expression."""

    intensity: float
    error: float  # over the AUs that vary; lower intensities have larger errors
    distance: float  # mean φ-distance to the source


@dataclass(frozen=True)
class AUReport:
    """Control of a generator by AUs. Means over AUs are over those that vary."""

    neutral_faces: int  # sources measured relative to the person's neutral face
    varies_from: float
    #: Main number: measured against requested AUs. Then that of the changes.
    error: Error
    change: Error
    #: Error of the measurement itself: measured AUs of the sources against those of the workspace.
    measurement_error: float
    own_change: float  # mean change when a face's own AUs are requested, grey levels, 0–255
    rho: float  # mean of `AURow.rho`
    sweep_faces: int
    inside: float  # mean of `AUExpression.inside`
    area: float
    background: float  # mean change outside the regions of all AUs, grey levels
    aus: list[AURow]  # the 17 AUs
    expressions: list[AUExpression]
    curve: list[CurvePoint] = field(default_factory=list)
