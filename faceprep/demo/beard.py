"""Paint beards on the canvas, from stubble to full."""

from collections.abc import Sequence

import cv2
import numpy as np

from faceprep.demo import canvas
from faceprep.demo.anatomy import Array
from faceprep.demo.canvas import bump, pair
from faceprep.demo.hair import Cover
from faceprep.demo.identity import Identity
from faceprep.demo.skin import linear


def paint_beard(person: Identity, p: Array) -> Cover:
    """Paint the beard; ``p`` are the neutral landmarks (68, 2) mm."""
    rng = np.random.default_rng((person.key, 6))
    density = _density(person, p, rng)
    strands = _strands(rng)
    short = person.beard == "stubble"
    colour = linear(person.hair) * (0.75 if short else 0.85)
    albedo = colour * np.exp((0.1 if short else 0.42) * strands)[..., None]
    step_y, step_x = np.gradient((0.1 if short else 0.55) * strands, canvas.STEP)
    relief = np.stack([step_x, step_y])
    return Cover(density, np.clip(albedo, 0.002, 0.9).astype("f4"), relief.astype("f4"))


def _strands(rng: np.random.Generator) -> Array:
    """Return noise that is stretched vertically."""
    rows, cols = int(canvas.SHAPE[0] * canvas.STEP / 5), int(canvas.SHAPE[1] * canvas.STEP / 1.3)
    cells = rng.standard_normal((rows, cols)).astype(np.float32)
    fine = cv2.resize(cells, canvas.SHAPE[::-1], interpolation=cv2.INTER_CUBIC)
    return (fine + 0.5 * canvas.noise(rng, 7)).astype(np.float32)


def _density(person: Identity, p: Array, rng: np.random.Generator) -> Array:
    """Return the coverage of the skin, (H, W) 0..1."""
    if person.beard == "none":
        return np.zeros(canvas.SHAPE, np.float32)
    seam, base, chin = float(p[62, 1]), float(p[33, 1]), float(p[8, 1])
    corner = float(p[54, 0])
    moustache = [
        (0, base + 6), (7, base + 5), (17, base + 9), (corner + 3, seam - 3),
        (corner + 5, seam + 6), (corner - 1, seam + 3), (12, seam - 2), (0, seam - 3),
    ]  # fmt: skip
    goatee = [(0, seam + 13), (9, seam + 12), (15, seam + 20), (18, chin - 8), (13, chin + 3),
              (0, chin + 8)]  # fmt: skip
    jaw = [
        (67, 4), (64, 26), (57, 44), (46, 54), (corner + 12, seam - 8), (corner + 5, seam - 3),
        (corner + 3, seam + 9), (15, seam + 13), (0, seam + 13), (0, chin + 12), (30, chin + 6),
        (60, chin - 18), (82, 60), (82, 6),
    ]  # fmt: skip
    areas: dict[str, list[Sequence[tuple[float, float]]]] = {
        "moustache": [moustache],
        "goatee": [moustache, goatee],
        "full": [moustache, jaw, goatee],
        "stubble": [moustache, jaw, goatee],
    }
    density = np.zeros(canvas.SHAPE, np.float32)
    for part in areas[person.beard]:
        for mirror in (1.0, -1.0):
            shape = np.array(part, np.float32) * (mirror, 1.0)
            np.maximum(density, canvas.polygon(shape), out=density)
    # Closing removes the seam between the two halves on the midline.
    density = canvas.blur(cv2.morphologyEx(density, cv2.MORPH_CLOSE, np.ones((3, 5))), 2.0)
    if person.beard == "stubble":
        grain = np.clip(0.5 + 0.5 * canvas.noise(rng, 1.1), 0, 1)
        return (density * (0.22 + 0.28 * grain)).astype(np.float32)
    fine = np.clip(0.9 + 0.10 * canvas.noise(rng, 1.8), 0, 1)
    spare = 1 - 0.35 * pair(corner + 8, seam + 4, 5, 6)
    density *= fine * spare
    density *= 1 - 0.25 * bump(0, base + 6, 2.5, 5)
    return np.clip(density * 0.95, 0, 1).astype(np.float32)
