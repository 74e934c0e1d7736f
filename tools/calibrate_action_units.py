"""Fit the landmark AU estimator and write its weights into the package.

    python tools/calibrate_action_units.py

1. ``mean_face.toml``: see `mean_face`.
2. ``still`` weights: for each AU, least squares of OpenFace's intensity on all measures, with
   intensities censored at 0. The signs of measures that the muscle of the AU changes are fixed in
   advance (`action_unit_recipe`); small weights are preferred.
3. ``change`` weights: for each AU, Tobit regression (intensities are censored at 0) on differences
   of a few measures from a neutral face, for rendered faces with random AUs and for pairs of
   photographs of one person. All signs are fixed in advance.
4. ``present_from``: the level with the best F1 score of presence.

Only the calibration half of the subjects is used. ``reliability`` is Pearson's r on the other half;
`benchmarks/action_units.py` measures more.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from action_unit_faces import Faces, photographs, rendered_faces, shared_folder
from action_unit_recipe import RECIPES, AURecipe, Recipe
from mean_face import as_toml, mean_face
from scipy.optimize import minimize
from scipy.stats import norm

from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units import face_shape
from faceprep.faces.action_units.face_shape import MEASURES, measure

PACKAGE = Path(face_shape.__file__).parent

#: Offset, gains by measure, threshold.
Fit = tuple[float, dict[str, float], float]

# Number of faces whose evidence has the same influence on a weight as the regularization.
_SHRINKAGE = 30.0
_STILL_SHRINKAGE = 15.0
# Smallest absolute weight of a measure that the muscle changes.
_MIN_DRIVER_WEIGHT = 0.05
# OpenFace gives no intensity for AU28; presence counts as this level.
_LEVEL_OF_PRESENCE = 1.5
_RENDERED_SUBJECTS = 200
# Weight of a pair relative to a rendered face. The pairs (about 150) differ in more than
# expression.
_WEIGHT_OF_PAIRS = 1.0
# A neutral face compared with itself must give 0; a weak expression must give more.
_CHANGE_OFFSETS = (-0.25, 0.0)
_LEAST_CHANGE_THRESHOLD = 0.3


def main() -> int:
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    shared = shared_folder()
    if shared is None:
        print("no shared photographs; set SHARED_FACES", file=sys.stderr)
        return 1
    photos = photographs(shared)
    half = photos["mtcnn"].calibration_half()
    mean = mean_face(photos["mtcnn"].landmarks[half])
    (PACKAGE / "mean_face.toml").write_text(as_toml(mean))
    face_shape.mean_face.cache_clear()
    calibration = Calibration(photos, half, rendered_faces(_RENDERED_SUBJECTS))
    still = {au: calibration.still(au) for au in PRESENCE_AUS}
    lines = [HEADER, *calibration.measures(), "", *still_gains(still)]
    for au in PRESENCE_AUS:
        lines += ["", *calibration.action_unit(au, still[au])]
    (PACKAGE / "landmark_coefficients.toml").write_text("\n".join(lines) + "\n")
    return 0


class Calibration:
    """Hold the measures of all faces, relative to the average and to neutral faces."""

    def __init__(
        self, photos: Mapping[str, Faces], half: np.ndarray, drawn: Mapping[str, Faces]
    ) -> None:
        taken = [measure(face_shape.to_front(faces.landmarks).points) for faces in photos.values()]
        self.photos, self.half, self.drawn = photos["mtcnn"], half, drawn["mtcnn"]
        self.average = taken[0][half].mean(axis=0).round(4)
        self.spread = taken[0][half].std(axis=0).round(4)
        self.views = [(values - self.average) / self.spread for values in taken]
        pairs = [self._changes(faces) for faces in photos.values()]
        self.paired = half & ~np.isnan(pairs[0]).any(axis=1)
        self.pairs = [values[self.paired] for values in pairs]
        self.drawings = [self._changes(faces) for faces in drawn.values()]

    def measures(self) -> list[str]:
        """Return the TOML table of averages and spreads."""
        rows = zip(MEASURES, self.average, self.spread, strict=True)
        head = "[measures]  # in distances between the eyes, over the calibration faces"
        return [head, *(f'"{n}" = {{ average = {a}, spread = {s} }}' for n, a, s in rows)]

    def action_unit(self, au: str, still: Fit) -> list[str]:
        """Return the TOML table of one AU."""
        offset, gains, threshold = still
        lines = [f"[action_units.{au}]"]
        if au in INTENSITY_AUS:
            estimates = np.clip(apply(offset, gains, self.views[0]), 0, 5)[~self.half]
            level = truth(self.photos, au)[0][~self.half]
            lines.append(f"reliability = {np.corrcoef(estimates, level)[0, 1]:.2f}")
        lines += weights("still", offset, threshold)
        offset, gains, threshold = self._change(au, RECIPES[au])
        return [*lines, *weights("change", offset, threshold), inline("change.gains", gains)]

    def still(self, au: str) -> Fit:
        """Fit offset, gains and threshold of one AU relative to the average face."""
        level, present = (np.tile(v[self.half], len(self.views)) for v in truth(self.photos, au))
        inputs = np.concatenate([view[self.half] for view in self.views])
        rows = np.full(len(level), 1 / len(self.views))
        offset, gains = fit_censored(inputs, level, rows, RECIPES[au].drivers)
        return offset, gains, best_threshold(apply(offset, gains, inputs), present)

    def _change(self, au: str, recipe: AURecipe) -> Fit:
        drawn, occurs = (np.tile(v, len(self.drawings)) for v in truth(self.drawn, au))
        level, present = (np.tile(v[self.paired], len(self.pairs)) for v in truth(self.photos, au))
        inputs = np.concatenate([*self.drawings, *self.pairs])
        # OpenFace does not grade AU28, so pairs give no intensity of a change.
        weight = _WEIGHT_OF_PAIRS / len(self.pairs) if au in INTENSITY_AUS else 0.0
        rows = np.r_[np.full(len(drawn), 1 / len(self.drawings)), np.full(len(level), weight)]
        level = np.r_[drawn, level]
        offset, gains = fit_tobit(inputs, level, rows, recipe.change, _CHANGE_OFFSETS)
        here = slice(0, len(drawn) if weight == 0 else None)
        found = apply(offset, gains, inputs[here])
        occurs = np.r_[occurs, present][here]
        return offset, gains, best_threshold(found, occurs, _LEAST_CHANGE_THRESHOLD)

    def _changes(self, faces: Faces) -> np.ndarray:
        """Return measures minus those of the neutral face, in spreads; NaN without one."""
        result = np.full((len(faces.subject), len(MEASURES)), np.nan)
        known = np.isfinite(faces.neutral).all(axis=(1, 2))
        moved, rest = (face_shape.to_front(p[known]) for p in (faces.landmarks, faces.neutral))
        result[known] = (measure(moved.points) - measure(rest.points)) / self.spread
        return result


def truth(faces: Faces, au: str) -> tuple[np.ndarray, np.ndarray]:
    """Return intensities and presences of one AU."""
    present = faces.presences[:, PRESENCE_AUS.index(au)]
    if au in INTENSITY_AUS:
        return faces.intensities[:, INTENSITY_AUS.index(au)], present
    return faces.au28 if faces.au28 is not None else _LEVEL_OF_PRESENCE * present, present


def fit_censored(
    inputs: np.ndarray, levels: np.ndarray, rows: np.ndarray, drivers: Recipe
) -> tuple[float, dict[str, float]]:
    """Fit levels censored at 0 by least squares with ridge and fixed signs of the drivers.

    The search starts from the uncensored fit, because rows with a negative level have no gradient.

    Returns
    -------
    The offset and the gains by measure.
    """

    def loss(unknowns: np.ndarray) -> tuple[float, np.ndarray]:
        gains, found = unknowns[1:], unknowns[0] + inputs @ unknowns[1:]
        error = rows * (np.maximum(found, 0) - levels)
        slope = np.where(found > 0, error, 0.0)
        total = (error**2 / rows).sum() + _STILL_SHRINKAGE * (gains**2).sum()
        return total / 2, np.r_[slope.sum(), inputs.T @ slope + _STILL_SHRINKAGE * gains]

    bounds: list[tuple[float | None, float | None]] = [(None, None)]
    for name in MEASURES:
        least = {1: (_MIN_DRIVER_WEIGHT, None), -1: (None, -_MIN_DRIVER_WEIGHT), 0: (None, None)}
        bounds.append(least[drivers.get(name, 0)])
    weighted = inputs.T * rows
    shrunk = weighted @ inputs + _STILL_SHRINKAGE * np.eye(len(MEASURES))
    start = np.linalg.solve(shrunk, weighted @ (levels - levels.mean()))
    found = minimize(loss, np.r_[levels.mean(), start], jac=True, method="L-BFGS-B", bounds=bounds)
    gains = zip(MEASURES, (round(float(gain), 2) + 0.0 for gain in found.x[1:]), strict=True)
    return round(float(found.x[0]), 2) + 0.0, dict(gains)


def fit_tobit(
    inputs: np.ndarray,
    levels: np.ndarray,
    rows: np.ndarray,
    signs: Recipe,
    offsets: tuple[float | None, float | None],
) -> tuple[float, dict[str, float]]:
    """Fit a Tobit regression with ridge and fixed signs; return the offset and the gains."""
    order = list(MEASURES)
    columns = inputs[:, [order.index(name) for name in signs]] * list(signs.values())
    cut = levels <= 0

    def loss(unknowns: np.ndarray) -> tuple[float, np.ndarray]:
        gains, noise = unknowns[1:-1], np.exp(unknowns[-1])
        error = (levels - unknowns[0] - columns @ gains) / noise
        below = -error[cut]
        value = error**2 / 2 + unknowns[-1]
        by_level, by_noise = -error / noise, 1 - error**2
        log_tail = norm.logcdf(-below)
        ratio = np.exp(norm.logpdf(below) - log_tail)
        value[cut], by_level[cut], by_noise[cut] = -log_tail, ratio / noise, -ratio * below
        value, by_level, by_noise = value * rows, by_level * rows, by_noise * rows
        total = value.sum() + _SHRINKAGE / 2 * (gains**2).sum()
        slope = columns.T @ by_level + _SHRINKAGE * gains
        return total, np.r_[by_level.sum(), slope, by_noise.sum()]

    bounds: list[tuple[float | None, float | None]] = [offsets]
    bounds += [(_MIN_DRIVER_WEIGHT, None) for _ in signs]
    bounds += [(np.log(0.2), np.log(3.0))]
    start = np.r_[0.0, np.full(len(signs), 0.1), 0.0]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    gains = {
        name: round(float(sign * gain), 2)
        for (name, sign), gain in zip(signs.items(), found[1:-1], strict=True)
        if gain >= 0.005
    }
    return round(float(found[0]), 2) + 0.0, gains


def apply(offset: float, gains: Mapping[str, float], inputs: np.ndarray) -> np.ndarray:
    order = list(MEASURES)
    return offset + sum(inputs[:, order.index(name)] * gain for name, gain in gains.items())


def best_threshold(levels: np.ndarray, present: np.ndarray, lowest: float = -np.inf) -> float:
    """Return the threshold of presence with the best F1 score."""
    candidates = np.quantile(levels, np.linspace(0, 1, 201))
    candidates = np.unique(np.maximum(candidates, lowest).round(2))
    found = levels[:, None] >= candidates
    hits = (found & present[:, None]).sum(axis=0)
    scores = 2 * hits / np.maximum(found.sum(axis=0) + present.sum(), 1)
    return float(candidates[int(np.argmax(scores))]) + 0.0


def weights(name: str, offset: float, threshold: float) -> list[str]:
    return [f"{name}.offset = {offset}", f"{name}.present_from = {threshold}"]


def inline(name: str, gains: Mapping[str, float]) -> str:
    inside = ", ".join(f'"{key}" = {value}' for key, value in gains.items())
    return f"{name} = {{ {inside} }}"


def still_gains(still: Mapping[str, Fit]) -> list[str]:
    """Return the TOML table of gains relative to the average face, one row per measure."""
    width = max(map(len, MEASURES)) + 2
    columns = ", ".join(f'"{au}"' for au in still)
    lines = ["[still_gains]", f"{'columns':{width}} = [{columns}]"]
    for name in MEASURES:
        row = ", ".join(f"{gains[name]:6.2f}" for _, gains, _ in still.values())
        quoted = f'"{name}"'
        lines.append(f"{quoted:{width}} = [{row}]")
    return lines


HEADER = """\
# Numbers of the landmark AU estimator, written by tools/calibrate_action_units.py.
#
# level = offset + sum of gain × (distance − compared distance) / spread, cut to 0–5
#   still:  compared with the average below; fitted to OpenFace 2.0.6 on photographs; its gains
#           stand in one table, since every distance takes part in every AU
#   change: compared with the neutral face of the same sequence; fitted to the demo renderer's face
#           model under random AUs, and to pairs of photographs of one person
# present_from: level from which on the AU counts as present (best F1)
# reliability:  Pearson r of `still` with OpenFace on photographs of other people
"""


if __name__ == "__main__":
    raise SystemExit(main())
