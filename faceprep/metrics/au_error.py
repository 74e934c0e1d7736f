"""Error between requested and measured Action Units of edits.

AUs are measured with `faceprep.faces.action_units.landmark_estimator`, which no loss reads,
relative to the neutral face of the same person if there is one. How good is an edit that could not
be better? For real faces of the same person with the requested expression, in place of edits, the
error relative to that of the unedited faces was:

=====================================================  ========  ======
faces                                                  absolute  change
=====================================================  ========  ======
rendered (two datasets), relative to the neutral face  .29, .42  .34, .49
rendered, without a neutral face                       .64, .70  .73, .78
photographs, AUs of OpenFace, no neutral face          .65       .79
=====================================================  ========  ======

The absolute error is therefore the main number. That of the change, measured edit - measured
source against requested - own, has the noise of two measurements. It is reported as well, because
it does not depend on a constant difference between the estimator and the source of the AUs.
"""

from dataclasses import dataclass

import numpy as np

from faceprep.faces.action_units.landmark_estimator import estimate
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces

#: An AU varies if the standard deviation of its requested values is at least this, in intensities.
#: On rendered faces 11 to 14 of 17 vary, on photographs 7 (AUs of landmarks) to 14 (OpenFace).
VARIES_FROM = 0.2


def measure_aus(landmarks68: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """Measure intensities ``(N, 17)``; `neutral` ``(N, 68, 2)`` is NaN where it is unknown."""
    return estimate(landmarks68, neutral).intensities.astype(np.float64)


def neutral_landmarks(faces: LabelledFaces, subjects: np.ndarray) -> np.ndarray:
    """Return the neutral points of subjects ``(N,)``, ``(N, 68, 2)`` crop pixels.

    They are the mean over the neutral faces of the subject among `faces`; NaN without one.
    """
    shown = faces.take(faces.expressions == "neutral")
    found = np.full((len(subjects), 68, 2), np.nan)
    points = shown.landmarks68 if len(shown) else np.zeros((0, 68, 2))
    for subject in np.unique(shown.subjects):
        found[subjects == subject] = points[shown.subjects == subject].mean(axis=0)
    return found


@dataclass(frozen=True, slots=True)
class AUErrors:
    """Mean absolute errors of M edits, each ``(17,)`` in the order of `INTENSITY_AUS`."""

    #: Measured against requested AUs, of the edits and of the unedited sources.
    edit: np.ndarray
    copy: np.ndarray
    #: Measured against requested changes; for the sources the measured change is 0.
    change: np.ndarray
    copy_change: np.ndarray
    spread: np.ndarray  # standard deviation of the requested values

    @property
    def varies(self) -> np.ndarray:
        """Which AUs vary, ``(17,) bool``."""
        return self.spread >= VARIES_FROM


def au_errors(
    own: np.ndarray, asked: np.ndarray, before: np.ndarray, after: np.ndarray
) -> AUErrors:
    """Compare M edits with what was requested; all arrays are ``(M, 17)``.

    Parameters
    ----------
    own, asked
        AUs of the sources as in the workspace, and requested AUs.
    before, after
        Measured AUs of the sources and of the edits.
    """
    wanted = asked - own
    return AUErrors(
        edit=np.abs(after - asked).mean(axis=0),
        copy=np.abs(before - asked).mean(axis=0),
        change=np.abs(after - before - wanted).mean(axis=0),
        copy_change=np.abs(wanted).mean(axis=0),
        spread=asked.std(axis=0),
    )
