"""Model furrows of the skin and adjacent bulges as depth maps.

Each furrow has a canvas map (depth in mm, cropped to the rectangle of non-zero values) and the
action units that deepen it. With age, part of it remains in the resting face.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from faceprep.demo import canvas
from faceprep.demo.action_units import AU_NAMES, MAX_INTENSITY
from faceprep.demo.anatomy import Array
from faceprep.demo.identity import Identity

Window = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class Furrow:
    """Hold one side of one furrow."""

    weights: dict[str, float]  # action unit → share of the full depth at intensity 5
    side: int  # 0 left half of the picture, 1 right half
    age: float  # share of the full depth in the resting face at the highest age
    window: Window  # position of the maps on the canvas
    depth: Array  # (h, w) mm, negative in the fold
    slope: Array  # (2, h, w), its derivatives
    shade: Array  # (h, w), 0..1, darkening by the fold

    def strength(self, intensities: Array, person: Identity) -> float:
        """Return the depth of the furrow, 0 to about 1.3, for intensities (AU, 2) of 0..5."""
        pulled = sum(
            weight * float(intensities[AU_NAMES.index(au), self.side]) / MAX_INTENSITY
            for au, weight in self.weights.items()
        )
        skin = 0.7 + 0.5 * person.age - 0.2 * person.fullness
        return float(min(pulled, 1.15) * skin + self.age * person.age**1.5)


Line = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Spec:
    weights: dict[str, float]
    lines: Sequence[Line]
    """Lines of the left half, mm; the right half is mirrored."""
    depth: float
    width: float
    age: float = 0.0
    bulge: tuple[float, float, float, float, float] | None = None
    """A Gaussian (x, y, width, height, mm) that rises with the furrow."""


def build_furrows(person: Identity, landmarks: Array) -> list[Furrow]:
    """Build all furrows of one identity, on both sides."""
    rng = np.random.default_rng((person.key, 1))
    return [_furrow(spec, side) for spec in _specs(landmarks, rng) for side in (0, 1)]


def _furrow(spec: _Spec, side: int) -> Furrow:
    mirror = -1.0 if side else 1.0
    lines = [canvas.spline(np.array(line, np.float32) * (mirror, 1.0)) for line in spec.lines]
    fold = canvas.stroke(lines, 1.0, 1.25 * spec.width)
    fold /= max(float(fold.max()), 1e-6)
    rim = canvas.blur(fold, spec.width * 2.2)
    depth = -spec.depth * (fold - 0.9 * rim)
    if spec.bulge:
        x, y, width, height, amount = spec.bulge
        depth = depth + amount * canvas.bump(mirror * x, y, width, height)
    window = _window(np.abs(depth) > 0.01)
    return Furrow(
        spec.weights,
        side,
        spec.age,
        window,
        depth[window],
        canvas.slope(depth)[(slice(None), *window)],
        canvas.blur(fold, 0.8)[window] * min(1.0, 0.2 * spec.depth),
    )


def _window(mask: np.ndarray) -> Window:
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def _specs(p: Array, rng: np.random.Generator) -> list[_Spec]:
    """Return the folds of a face, placed relative to its landmarks."""

    def wobble(amount: float = 1.0) -> float:
        return float(rng.normal(0, amount))

    return [*_mouth_folds(p, wobble), *_eye_folds(p, wobble), *_brow_folds(p, wobble)]


def _mouth_folds(p: Array, wobble: Callable[..., float]) -> list[_Spec]:
    wing_x, wing_y = p[31] + (-4.0, -4.5)
    corner_x, corner_y = p[48]
    chin_y = float(p[8, 1])
    side = corner_x - 9.0 + wobble()
    nasolabial = [
        (wing_x, wing_y - 2), (wing_x - 5.5, wing_y + 4), (side + 3.5, wing_y + 14),
        (side, corner_y - 3), (side + 0.5, corner_y + 3),
    ]  # fmt: skip
    return [
        _Spec({"AU12": 1.0, "AU06": 0.4, "AU10": 0.7, "AU09": 0.5, "AU20": 0.3, "AU14": 0.3},
              [nasolabial], 3.2, 2.3, 0.8, (side - 9, corner_y - 17, 11, 11, 4.2)),
        _Spec({"AU09": 0.8, "AU10": 1.0}, [nasolabial[:3]], 2.8, 2.0, 0.0,
              (wing_x - 9, wing_y + 2, 7, 8, 2.4)),
        # dimple beside the corner
        _Spec({"AU14": 1.3, "AU12": 0.3, "AU20": 0.3},
              [[(corner_x - 8.5, corner_y - 6), (corner_x - 9.5, corner_y),
                (corner_x - 8, corner_y + 5)]], 2.6, 1.3, 0.1),
        # below the corner
        _Spec({"AU15": 1.2, "AU17": 0.25},
              [[(corner_x - 4, corner_y), (corner_x - 5.5, corner_y + 6),
                (corner_x - 4, corner_y + 13)]],
              2.2, 1.5, 0.55, (corner_x - 12, corner_y + 6, 6, 7, 1.6)),
        # arch above the raised chin
        _Spec({"AU17": 1.2, "AU15": 0.15},
              [[(-15, corner_y + 20), (-9, corner_y + 16), (0, corner_y + 14.5)]],
              2.6, 1.5, 0.2, (-5, chin_y - 13, 10, 8, 2.6)),
        # pitted chin
        _Spec({"AU17": 1.0},
              [[(x, chin_y - y), (x + 1.6, chin_y - y - 2.2)]
               for x, y in ((-4, 9), (-9, 12), (-3, 15), (-11, 18), (-6, 20), (-1, 11))],
              1.0, 0.8),
        # stretched lips: vertical folds in the lower cheek
        _Spec({"AU20": 1.1, "AU12": 0.25},
              [[(corner_x - 14, corner_y - 8), (corner_x - 16, corner_y + 2),
                (corner_x - 14, corner_y + 13)]], 1.8, 1.6, 0.15),
    ]  # fmt: skip


def _eye_folds(p: Array, wobble: Callable[..., float]) -> list[_Spec]:
    (ox, oy), (ix, iy) = p[36], p[39]
    low = float(p[40, 1])
    feet = [
        [(ox - 5.5, oy + dy * 0.35), (ox - 10, oy + dy * 0.75), (ox - 15, oy + dy * 1.3 + bend)]
        for dy, bend in ((-6.0 + wobble(), 0.8), (0.5 + wobble(), 0.0), (6.5 + wobble(), -0.5))
    ]
    return [
        _Spec({"AU06": 1.1, "AU12": 0.15}, feet, 1.6, 0.9, 0.45),
        # bag under the eye, pushed up
        _Spec({"AU06": 0.9, "AU07": 0.9, "AU09": 0.4},
              [[(ix - 1, iy + 4.5), (ix - 9, low + 4.8), (ix - 19, low + 4.6), (ox + 1, oy + 5)]],
              1.7, 1.0, 0.25, ((ox + ix) / 2, low + 2.2, 9, 2.2, 1.2)),
        _Spec({"AU06": 0.8, "AU09": 0.5, "AU10": 0.25},
              [[(ix + 1, iy + 8), (ix - 8, low + 11.5), (ix - 18, low + 13.5)]],
              1.6, 1.3, 0.5, (-39, 26, 13, 9, 2.0)),
        # wrinkles along the nose
        _Spec({"AU09": 1.3},
              [[(-5, 8), (-9, 10.5), (-14, 17)], [(-4, 13.5), (-9, 17), (-13, 24)],
               [(-6, 3), (-10, 4.5), (-14, 9)]], 1.8, 0.9),
        _Spec({"AU09": 1.1, "AU04": 0.25}, [[(0, -4), (-4, -3.6), (-7, -1.5)]], 1.9, 1.0, 0.1),
    ]  # fmt: skip


def _brow_folds(p: Array, wobble: Callable[..., float]) -> list[_Spec]:
    inner_y, arch_y = float(p[21, 1]), float(p[19, 1])
    heights = [arch_y - 15 + wobble(), arch_y - 25 + wobble(), arch_y - 35 + wobble()]
    middle = [[(0, y + wobble(0.6)), (-10, y - 1 + wobble(0.6)), (-24, y - 2.5)] for y in heights]
    outer = [
        [(-20, y - 1.0), (-34, y - 3.5 + wobble(0.6)), (-47, y - 0.5), (-54, y + 5)]
        for y in heights[:2]
    ]
    return [
        _Spec({"AU04": 1.15, "AU09": 0.3},
              [[(-5.5 + wobble(0.4), inner_y - 8), (-6.0, inner_y - 1), (-4.6, inner_y + 7)]],
              2.4, 1.2, 0.3, (-12, inner_y + 1, 6, 5, 2.2)),
        _Spec({"AU04": 0.5}, [[(-1.2, inner_y - 6), (-1.6, inner_y + 4)]], 1.4, 0.9, 0.1),
        # raised inner brow: lines across the middle of the forehead
        _Spec({"AU01": 1.15}, middle, 2.2, 1.6, 0.3),
        _Spec({"AU02": 1.1}, outer, 2.1, 1.6, 0.25),
        # grief: the inner ends pulled up and together
        _Spec({"AU01": 0.3, "AU04": 0.2}, [[(-8, inner_y - 5), (-15, inner_y - 9)]], 1.2, 1.2),
    ]  # fmt: skip
