"""Define identities: shape, skin, hair and accessories of one person."""

from dataclasses import dataclass

import numpy as np

from faceprep.demo.anatomy import Array, neutral_landmarks

Colour = tuple[float, float, float]

SKIN_TONES: tuple[Colour, ...] = (
    (236, 198, 176), (228, 184, 156), (218, 170, 138), (204, 152, 118), (188, 136, 102),
    (168, 116, 84), (140, 94, 66), (112, 74, 52), (88, 58, 42),
)  # fmt: skip
"""sRGB, from light to dark."""

HAIR_COLOURS: dict[str, Colour] = {
    "black": (30, 26, 25),
    "dark_brown": (52, 37, 28),
    "brown": (88, 62, 42),
    "light_brown": (122, 90, 60),
    "blond": (184, 150, 100),
    "red": (128, 66, 36),
    "gray": (148, 146, 144),
    "white": (204, 202, 198),
}

EYE_COLOURS: tuple[Colour, ...] = (
    (62, 40, 26), (44, 29, 21), (92, 62, 34), (96, 98, 58), (84, 112, 136), (104, 120, 124),
)  # fmt: skip

HAIR_STYLES = ("short", "side", "crop", "bangs", "long", "tied", "curly", "bald")
BEARDS = ("none", "stubble", "moustache", "goatee", "full")
GLASSES = ("none", "thin", "thick", "round")


@dataclass(frozen=True, slots=True)
class Identity:
    """Hold the parameters of one person.

    Lengths are factors of the neutral face or additional millimetres; other values are 0..1.
    """

    key: int = 0
    """Seed of small irregularities (moles, hair strands)."""
    masculinity: float = 0.5
    age: float = 0.3
    # shape
    face_width: float = 1.0
    face_length: float = 1.0
    jaw_width: float = 1.0
    chin_length: float = 0.0
    eye_size: float = 1.0
    eye_height: float = 1.0
    eye_distance: float = 0.0
    eye_tilt: float = 0.0
    brow_height: float = 0.0
    brow_arch: float = 0.0
    brow_tilt: float = 0.0
    brow_thickness: float = 1.0
    nose_width: float = 1.0
    nose_length: float = 0.0
    nose_depth: float = 1.0
    mouth_width: float = 1.0
    mouth_height: float = 0.0
    mouth_tilt: float = 0.0
    lip_fullness: float = 1.0
    fullness: float = 0.5
    cheekbones: float = 0.5
    skew: float = 0.0
    # colour
    skin: Colour = (218.0, 170.0, 138.0)
    redness: float = 0.4
    freckles: float = 0.0
    lip_colour: float = 0.5
    hair: Colour = (52.0, 37.0, 28.0)
    hair_name: str = "dark_brown"
    iris: Colour = (62.0, 40.0, 26.0)
    # hair and accessories
    hair_style: str = "short"
    hairline: float = 0.0
    beard: str = "none"
    glasses: str = "none"
    # factor of the displacements by action units
    mobility: float = 1.0


def sample_identity(rng: np.random.Generator, spread: float = 1.0) -> Identity:
    """Draw the person of a subject.

    ``spread`` is a factor of all standard deviations of shape, 0 (mean face) to about 1.5.
    """

    def around(mean: float, deviation: float, limit: float = 2.2) -> float:
        return float(mean + spread * deviation * np.clip(rng.standard_normal(), -limit, limit))

    key = int(rng.integers(2**31))
    male = bool(rng.random() < 0.5)
    masculinity = float(np.clip((0.85 if male else 0.15) + 0.08 * rng.standard_normal(), 0, 1))
    age = float(np.clip(rng.beta(1.6, 2.4), 0.02, 1.0))
    tone = int(rng.choice(len(SKIN_TONES), p=_tone_weights()))
    hair_name = _hair_colour(rng, tone, age)
    style = _hair_style(rng, male, age)
    m = masculinity - 0.5
    return Identity(
        key=key,
        masculinity=masculinity,
        age=age,
        face_width=around(1.0 + 0.03 * m, 0.035),
        face_length=around(1.0 + 0.02 * m, 0.03),
        jaw_width=around(1.0 + 0.09 * m, 0.05),
        chin_length=around(3.0 * m, 2.2),
        eye_size=around(1.11 - 0.06 * m, 0.045),
        eye_height=around(1.06 - 0.16 * m, 0.13),
        eye_distance=around(0.0, 1.2),
        eye_tilt=around(0.4, 1.2),
        brow_height=around(-1.6 * m, 1.5),
        brow_arch=around(-2.0 * m, 1.3),
        brow_tilt=around(0.0, 1.2),
        brow_thickness=float(np.clip(around(1.0 + 0.6 * m, 0.22), 0.5, 1.7)),
        nose_width=around(1.0 + 0.12 * m, 0.09),
        nose_length=around(0.6 + 1.5 * m, 1.8),
        nose_depth=around(1.0 + 0.1 * m, 0.1),
        mouth_width=around(1.0 + 0.04 * m, 0.06),
        mouth_height=around(0.0, 1.3),
        mouth_tilt=around(0.0, 0.9),
        lip_fullness=float(np.clip(around(1.05 - 0.3 * m, 0.16), 0.55, 1.5)),
        fullness=float(np.clip(around(0.45, 0.25), 0, 1)),
        cheekbones=float(np.clip(around(0.5, 0.25), 0, 1)),
        skew=around(0.0, 0.6),
        skin=_jitter(rng, SKIN_TONES[tone], 0.03),
        redness=float(rng.uniform(0.15, 0.75)),
        freckles=float(rng.uniform(0.4, 1.0)) if tone < 2 and rng.random() < 0.25 else 0.0,
        lip_colour=float(np.clip(rng.normal(0.62 - 0.35 * m, 0.2), 0.1, 1.0)),
        hair=_jitter(rng, HAIR_COLOURS[hair_name], 0.05),
        hair_name=hair_name,
        iris=_jitter(rng, EYE_COLOURS[_eye_colour(rng, tone)], 0.06),
        hair_style=style,
        hairline=float(rng.normal(0, 4) - (8 * age if male else 0)),
        beard=_beard(rng, male),
        glasses=str(rng.choice(GLASSES, p=(0.8, 0.08, 0.07, 0.05))),
        mobility=around(1.0, 0.08),
    )


def landmarks_of(person: Identity) -> Array:
    """Return the neutral 68 landmarks of a person in the plane of the face, (68, 2) mm."""
    points = neutral_landmarks()
    side = np.sign(points[:, 0])
    _shape_eyes(points, person, side)
    _shape_brows(points, person, side)
    _shape_nose(points, person)
    _shape_mouth(points, person, side)
    jaw = np.arange(17)
    low = np.clip((points[jaw, 1] - 40) / 50, 0, 1)
    points[jaw, 0] *= person.face_width * (1 + (person.jaw_width - 1) * low)
    points[jaw, 0] *= 1 + 0.05 * (person.fullness - 0.45) * np.sin(np.pi * low)
    points[jaw, 1] += person.chin_length * low**2
    points[:, 1] *= np.where(points[:, 1] > 0, person.face_length, 1)
    points[:, 0] += person.skew * np.clip(points[:, 1] / 60, 0, 2)
    return points


def _shape_eyes(points: Array, person: Identity, side: Array) -> None:
    for eye in (slice(36, 42), slice(42, 48)):
        centre = points[eye].mean(axis=0)
        offset = points[eye] - centre
        offset *= (person.eye_size, person.eye_size * person.eye_height)
        outward = offset[:, 0] * side[eye]
        offset[:, 1] -= person.eye_tilt * outward / 13
        points[eye] = centre + offset
        points[eye, 0] += side[eye] * person.eye_distance


def _shape_brows(points: Array, person: Identity, side: Array) -> None:
    arch = np.array([0.0, 0.8, 1.0, 0.55, 0.0])
    tilt = np.array([1.0, 0.6, 0.0, -0.5, -1.0])
    for brow, order in ((slice(17, 22), 1), (slice(22, 27), -1)):
        points[brow, 1] += (person.brow_height + person.brow_arch * arch[::order]).astype("f4")
        points[brow, 1] -= (person.brow_tilt * tilt[::order]).astype("f4")
        points[brow, 0] += side[brow] * person.eye_distance


def _shape_nose(points: Array, person: Identity) -> None:
    points[31:36, 0] *= person.nose_width
    points[28:36, 1] += person.nose_length * np.array([0.3, 0.6, 1, 1, 1, 1, 1, 1], np.float32)


def _shape_mouth(points: Array, person: Identity, side: Array) -> None:
    mouth = slice(48, 68)
    seam = points[62, 1]
    points[mouth, 0] *= person.mouth_width
    above = points[mouth, 1] - seam
    outer = np.arange(20) < 12
    points[mouth, 1] = seam + above * np.where(outer, person.lip_fullness, 1)
    points[mouth, 1] += person.mouth_height + 0.6 * person.nose_length
    corner = np.abs(points[mouth, 0]) / 25
    points[mouth, 1] += person.mouth_tilt * corner**2 * (side[mouth] != 0)


def _tone_weights() -> np.ndarray:
    weights = np.array([1.2, 1.6, 1.7, 1.5, 1.2, 1.0, 0.7, 0.6, 0.4])
    return weights / weights.sum()


def _jitter(rng: np.random.Generator, colour: Colour, amount: float) -> Colour:
    brightness = 1 + amount * rng.standard_normal()
    r, g, b = (
        float(np.clip(c * (brightness + 0.4 * amount * rng.standard_normal()), 4, 250))
        for c in colour
    )
    return r, g, b


def _hair_colour(rng: np.random.Generator, tone: int, age: float) -> str:
    if age > 0.6 and rng.random() < 1.8 * (age - 0.5):
        return "white" if rng.random() < age - 0.4 else "gray"
    names = ("black", "dark_brown", "brown", "light_brown", "blond", "red")
    light = np.array([0.15, 0.2, 0.25, 0.15, 0.18, 0.07])
    dark = np.array([0.75, 0.2, 0.05, 0.0, 0.0, 0.0])
    mix = np.clip((tone - 2) / 3, 0, 1)
    return str(rng.choice(names, p=(1 - mix) * light + mix * dark))


def _eye_colour(rng: np.random.Generator, tone: int) -> int:
    return int(rng.choice(6, p=(0.3, 0.15, 0.15, 0.12, 0.18, 0.1)) if tone < 4 else rng.choice(2))


def _hair_style(rng: np.random.Generator, male: bool, age: float) -> str:
    if male:
        bald = 0.04 + 0.25 * age
        weights = np.array([0.34, 0.22, 0.16, 0.06, 0.03, 0.03, 0.12, bald])
    else:
        weights = np.array([0.06, 0.12, 0.0, 0.2, 0.32, 0.2, 0.1, 0.0])
    return str(rng.choice(HAIR_STYLES, p=weights / weights.sum()))


def _beard(rng: np.random.Generator, male: bool) -> str:
    return str(rng.choice(BEARDS, p=(0.5, 0.2, 0.08, 0.08, 0.14))) if male else "none"
