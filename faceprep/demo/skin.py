"""Paint the colour of the skin over the canvas, in linear light, and its fine relief."""

from dataclasses import dataclass

import numpy as np

from faceprep.demo import canvas
from faceprep.demo.anatomy import Array
from faceprep.demo.canvas import Y, bump, pair
from faceprep.demo.identity import Identity


def linear(colour: object) -> Array:
    """Convert 8-bit sRGB to linear light 0..1 (gamma 2, inverted by a square root)."""
    return (np.asarray(colour, np.float32) / 255) ** 2


@dataclass(frozen=True, slots=True)
class Skin:
    """Hold the painted skin of one identity."""

    albedo: Array  # (H, W, 3) linear
    relief: Array  # (2, H, W) slope of pores and unevenness
    shine: Array  # (H, W) strength of the highlights
    occlusion: Array  # (H, W), 0..1, visible share of the sky


def paint_skin(person: Identity, landmarks: Array) -> Skin:
    """Paint the skin of one identity, without hair."""
    rng = np.random.default_rng((person.key, 2))
    base = linear(person.skin)
    albedo = np.broadcast_to(base, (*canvas.SHAPE, 3)).copy()
    light = float(base.mean())
    _blush(albedo, person, landmarks, light)
    _blotches(albedo, person, rng)
    pores = 0.05 * (0.6 + 0.7 * person.age) * canvas.noise(rng, 1.7)
    pores += 0.03 * canvas.noise(rng, 5.0)
    return Skin(
        np.clip(albedo, 0.004, 0.95).astype(np.float32),
        canvas.slope(canvas.blur(pores, 0.5)),
        _shine(landmarks),
        _occlusion(person, landmarks),
    )


def _tint(albedo: Array, mask: Array, factors: tuple[float, float, float], amount: float) -> None:
    """Multiply the colour by ``factors`` where the mask is 1."""
    for channel, factor in enumerate(factors):
        albedo[..., channel] *= 1 + (factor - 1) * amount * np.clip(mask, 0, 1)


def _blush(albedo: Array, person: Identity, p: Array, light: float) -> None:
    eye_x, eye_y = float(p[42:48, 0].mean()), float(p[42:48, 1].mean())
    tip = float(p[30, 1])
    red = (1.06, 0.72, 0.70)
    amount = person.redness * (0.6 + 0.8 * light)
    _tint(albedo, pair(42, 34, 15, 12, 25), red, amount)
    _tint(albedo, bump(0, tip + 1, 11, 8) + pair(11, tip + 7, 6, 6), red, amount)
    _tint(albedo, bump(0, float(p[8, 1]) - 8, 14, 9), red, 0.5 * amount)
    _tint(albedo, pair(76, 15, 9, 22), red, amount)
    # thin skin around the eyes
    _tint(albedo, pair(eye_x, eye_y + 1, 15, 9), (0.86, 0.78, 0.80), 0.55 + 0.4 * person.age)
    _tint(albedo, pair(eye_x - 6, eye_y + 10, 9, 4, -15), (0.82, 0.76, 0.82), 0.35 + person.age / 2)
    # forehead a little yellower and lighter
    _tint(albedo, bump(0, -52, 42, 24), (1.04, 1.04, 0.98), 1.0)
    if person.beard != "none" or person.masculinity > 0.5:  # shaven area
        shaven = canvas.blur((Y > p[33, 1] + 2).astype(np.float32), 5)
        _tint(albedo, shaven, (0.88, 0.92, 0.96), 0.5 * person.masculinity)


def _blotches(albedo: Array, person: Identity, rng: np.random.Generator) -> None:
    uneven = 0.035 * canvas.noise(rng, 14) + 0.025 * canvas.noise(rng, 4)
    albedo *= (1 + (0.6 + 0.6 * person.age) * uneven)[..., None]
    albedo[..., 1:] *= (1 + 0.03 * canvas.noise(rng, 9))[..., None]
    spots = rng.random(canvas.SHAPE) < 0.0006 * person.freckles + 0.00002
    if person.freckles > 0:
        density = bump(0, 22, 46, 20)
        spots &= rng.random(canvas.SHAPE) < density
    mask = canvas.blur(spots.astype(np.float32), 0.7) * 4.0
    _tint(albedo, mask, (0.70, 0.55, 0.45), 0.9)
    moles = rng.uniform((-50, -50), (50, 95), (int(rng.integers(0, 3)), 2))
    for x, y in moles:
        _tint(albedo, 1.2 * bump(x, y, 0.9, 0.9), (0.35, 0.25, 0.22), 0.9)


def _shine(p: Array) -> Array:
    tip = float(p[30, 1])
    shine = 0.35 + 0.9 * bump(0, tip - 1, 5.5, 5.5) + 0.5 * bump(0, 12, 4, 18)
    shine += 0.35 * bump(0, -48, 34, 16) + 0.3 * pair(40, 24, 12, 9, -20)
    shine += 0.3 * bump(0, float(p[8, 1]) - 11, 9, 7)
    return shine.astype(np.float32)


def _occlusion(person: Identity, p: Array) -> Array:
    """Return the ambient occlusion of the face, which hardly changes with expressions."""
    eye_x, eye_y = float(p[42:48, 0].mean()), float(p[42:48, 1].mean())
    base, seam, chin = float(p[33, 1]), float(p[62, 1]), float(p[8, 1])
    wing = float(p[35, 0])
    dark = 0.30 * pair(eye_x - 3, eye_y - 5.5, 14, 5) + 0.30 * pair(15.5, eye_y + 0.5, 4.5, 7)
    dark += 0.16 * pair(eye_x, eye_y + 7, 13, 4)
    dark += 0.13 * pair(11.5, 20, 3.5, 13, 8) + 0.14 * pair(wing - 4, base - 13, 3.0, 3.5)
    dark += 0.45 * pair(75, 10, 3.0, 8.0)  # bowl of the ear
    dark += 0.34 * pair(wing + 2.4, base - 5.5, 1.8, 5.0, 12)  # behind the wings
    dark += 0.40 * bump(0, base + 0.5, wing * 0.85, 2.3)  # under the nose
    dark += 0.16 * pair(wing + 6, base + 4, 5, 7)
    dark += 0.26 * bump(0, seam + 14.5, 13, 3.4)  # under the lower lip
    dark += 0.20 * pair(p[54, 0] + 3, seam + 1, 3.5, 4.5)
    dark += 0.12 * pair(52, 62, 12, 16) * (1 - person.fullness)
    edge = canvas.polygon(canvas.spline(p[:17], 4), 0)
    jaw = np.clip((Y - (chin - 42)) / 45, 0, 1) * (1 - canvas.blur(edge, 9.0))
    dark += 0.5 * jaw
    return np.clip(1 - dark, 0.25, 1).astype(np.float32)
