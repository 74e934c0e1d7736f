"""Realism of edits: kernel distance to real faces of the requested expression, and sharpness.

The kernel distance, unlike Fréchet's, is unbiased, so that sets of a few dozen faces can be
compared.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from faceprep.core.errors import UsageError
from faceprep.metrics.expression_classifier.landmark_hog import LandmarkHog

DEGREE = 3
SUBSETS = 1000
SUBSET_SIZE = 100

#: Number of principal components of real faces that the kernel compares. With more, the distance of
#: small sets depends on their subjects rather than on the expressions.
DIRECTIONS = 128

# Largest number of faces for the principal components; more are thinned evenly.
_MOST_FACES = 1000


@dataclass(frozen=True, slots=True)
class Kid:
    """A kernel distance of `made` generated to `real` images.

    `value` is the unbiased estimate from all images, which may be negative; NaN where a set has
    fewer than 2. `deviation` is the standard deviation over subsets; NaN without subsets.
    """

    value: float
    deviation: float
    made: int
    real: int


@dataclass(frozen=True)
class Texture:
    """Projection of HOG features onto the principal components of real faces.

    `mean` is ``(H,)``. The components `directions`, ``(H, D)``, are scaled so that the mean square
    of a projected feature is 1.
    """

    mean: np.ndarray
    directions: np.ndarray

    @classmethod
    def of(cls, real: LandmarkHog) -> "Texture":
        """Fit the projection to real faces; UsageError for fewer than two different ones."""
        values = _texture(real)
        mean = values.mean(axis=0)
        chosen = np.linspace(0, len(values) - 1, min(len(values), _MOST_FACES)).astype(int)
        some = values[chosen] - mean
        squares, vectors = np.linalg.eigh((some @ some.T).astype(np.float64))
        kept = [k for k in np.argsort(squares)[::-1][:DIRECTIONS] if squares[k] > 1e-6 * len(some)]
        if not kept:
            raise UsageError(
                "the training faces are all the same", "look at them on a sheet of show"
            )
        directions = some.T @ (vectors[:, kept] / np.sqrt(squares[kept]))
        return cls(mean, directions * np.sqrt(len(some) * len(kept) / squares[kept].sum()))

    def __call__(self, faces: LandmarkHog) -> np.ndarray:
        """Return features ``(N, D)``."""
        return np.asarray((_texture(faces) - self.mean) @ self.directions)


def _texture(faces: LandmarkHog) -> np.ndarray:
    return np.concatenate([faces.face, faces.mouth, faces.eyes], axis=1)


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the polynomial kernel (x·y / D + 1)³ of ``(n, D)`` and ``(m, D)``, ``(n, m)``."""
    return np.asarray((a @ b.T / a.shape[1] + 1) ** DEGREE)


def kid(
    made: np.ndarray,
    real: np.ndarray,
    subsets: int = SUBSETS,
    size: int = SUBSET_SIZE,
    seed: int = 0,
) -> Kid:
    """Estimate the kernel distance of two sets of features (KID; Bińkowski et al., ICLR 2018).

    The unbiased estimate of Gretton et al., JMLR 2012, Lemma 6: MMD² = mean k(x, x') + mean k(y,
    y') − 2 mean k(x, y), without pairs of an image with itself.

    Parameters
    ----------
    made, real : (n, D), (m, D)
        Features of the generated and of the real images.
    subsets, size
        Number of subsets for the deviation, drawn without replacement, and largest number of images
        of either set in a subset. With 0 subsets the deviation is NaN.
    """
    n, m = len(made), len(real)
    if n < 2 or m < 2:
        return Kid(np.nan, np.nan, n, m)
    within, among, across = kernel(made, made), kernel(real, real), kernel(made, real)
    value = _mmd(within, among, across)
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(subsets):
        a = random.choice(n, min(size, n), replace=False)
        b = random.choice(m, min(size, m), replace=False)
        drawn.append(_mmd(within[np.ix_(a, a)], among[np.ix_(b, b)], across[np.ix_(a, b)]))
    return Kid(value, float(np.std(drawn)) if drawn else np.nan, n, m)


def _mmd(within: np.ndarray, among: np.ndarray, across: np.ndarray) -> float:
    n, m = across.shape
    return float(
        (within.sum() - np.trace(within)) / (n * (n - 1))
        + (among.sum() - np.trace(among)) / (m * (m - 1))
        - 2 * across.mean()
    )


def sharpness(images: np.ndarray) -> float:
    """Return the mean variance of the Laplacian of gray ``(N, S, S, 3) uint8``; NaN for none."""
    if not len(images):
        return np.nan
    grays = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images)
    return float(np.mean([cv2.Laplacian(gray, cv2.CV_64F).var() for gray in grays]))
