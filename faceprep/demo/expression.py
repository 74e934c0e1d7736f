"""Draw the action units of an expression of one person: which, how strong, how asymmetric."""

from dataclasses import dataclass

import numpy as np

from faceprep.demo.action_units import MAX_INTENSITY

Units = dict[str, float | tuple[float, float]]

# Action unit → (mean intensity, probability that a person uses it). Prototypes and major variants
# from the FACS investigator's guide and EMFACS.
PROTOTYPES: dict[str, dict[str, tuple[float, float]]] = {
    "anger": {
        "AU04": (4.3, 0.97), "AU05": (2.4, 0.5), "AU07": (3.6, 0.85), "AU23": (3.8, 0.8),
        "AU17": (2.2, 0.5), "AU10": (2.2, 0.2), "AU25": (2.6, 0.18), "AU09": (1.6, 0.12),
    },
    "contempt": {"AU14": (4.2, 1.0), "AU12": (1.6, 0.6), "AU10": (1.5, 0.15)},
    "disgust": {
        "AU09": (4.2, 0.88), "AU10": (3.8, 0.75), "AU17": (2.8, 0.55), "AU04": (2.4, 0.55),
        "AU06": (2.2, 0.35), "AU07": (2.4, 0.5), "AU25": (2.4, 0.4), "AU15": (2.0, 0.25),
    },
    "fear": {
        "AU01": (4.2, 0.9), "AU02": (2.8, 0.65), "AU04": (3.2, 0.8), "AU05": (4.0, 0.85),
        "AU07": (1.8, 0.3), "AU20": (3.8, 0.75), "AU25": (3.2, 0.8), "AU26": (2.0, 0.4),
    },
    "happiness": {
        "AU06": (3.6, 0.85), "AU12": (4.3, 1.0), "AU25": (3.8, 0.75), "AU26": (1.2, 0.25),
        "AU07": (1.8, 0.3), "AU01": (1.2, 0.08),
    },
    "neutral": {},
    "sadness": {
        "AU01": (4.0, 0.88), "AU04": (3.2, 0.8), "AU15": (3.9, 0.85), "AU17": (3.0, 0.6),
        "AU06": (1.6, 0.2), "AU07": (1.6, 0.25), "AU20": (1.4, 0.1), "AU45": (1.2, 0.25),
    },
    "surprise": {
        "AU01": (4.3, 0.95), "AU02": (4.3, 0.95), "AU05": (3.6, 0.8), "AU26": (4.0, 0.9),
        "AU25": (2.8, 0.9),
    },
}  # fmt: skip

# Expressions that people show instead of, or mixed with, the intended one.
_CONFUSED: dict[str, tuple[str, ...]] = {
    "anger": ("disgust", "sadness"),
    "contempt": ("happiness", "disgust"),
    "disgust": ("anger", "sadness"),
    "fear": ("surprise", "sadness"),
    "happiness": ("surprise", "contempt"),
    "sadness": ("anger", "fear"),
    "surprise": ("fear", "happiness"),
}

# Habitual action units, in any expression.
_HABITS: dict[str, float] = {
    "AU01": 1.4, "AU02": 1.4, "AU04": 2.0, "AU05": 1.2, "AU07": 1.6, "AU12": 1.4, "AU14": 1.8,
    "AU15": 1.4, "AU17": 2.0, "AU23": 1.8, "AU25": 1.8, "AU20": 1.2,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """Hold the style of expressions of one person."""

    strength: float  # factor of all expressions
    gains: dict[str, float]  # action unit → factor
    resting: dict[str, float]  # action unit → intensity at rest
    side: float  # difference between left and right, -1..1 (0: symmetric)
    difficulty: float  # 0..1


def sample_style(rng: np.random.Generator, difficulty: float) -> Style:
    """Draw the style of a person."""
    d = difficulty
    strength = float(
        np.clip(1.08 - 0.40 * d + (0.06 + 0.26 * d) * rng.standard_normal(), 0.45, 1.2)
    )
    units = sorted({au for units in PROTOTYPES.values() for au in units})
    gains = {
        au: float(np.clip(1 + (0.05 + 0.45 * d) * rng.standard_normal(), 0.35, 1.6)) for au in units
    }
    habits = rng.choice(sorted(_HABITS), 2, replace=False)
    resting = {str(au): float(_HABITS[str(au)] * 1.0 * d * rng.random()) for au in habits}
    side = float(np.clip((0.05 + 0.3 * d) * rng.standard_normal(), -0.6, 0.6))
    return Style(strength, gains, resting, side, d)


def peak_units(rng: np.random.Generator, expression: str, style: Style) -> Units:
    """Draw intensities (left, right) at the peak of an expression of one person."""
    d = style.difficulty
    units = _prototype(rng, expression, style)
    if expression in _CONFUSED and rng.random() < 0.6 * d:
        other = _prototype(rng, str(rng.choice(_CONFUSED[expression])), style)
        share = float(rng.beta(2.0, 2.2)) * (0.15 + 1.15 * d)
        share = min(share, 0.62)
        for au in {*units, *other}:
            units[au] = (1 - share) * units.get(au, 0.0) + share * other.get(au, 0.0)
    for au, floor in style.resting.items():
        units[au] = max(units.get(au, 0.0), floor)
    strength = style.strength * float(
        np.clip(1 + (0.04 + 0.24 * d) * rng.standard_normal(), 0.45, 1.4)
    )
    return {
        au: _uneven(rng, au, float(np.clip(value * strength, 0, MAX_INTENSITY)), expression, style)
        for au, value in sorted(units.items())
    }


def _prototype(rng: np.random.Generator, expression: str, style: Style) -> dict[str, float]:
    d = style.difficulty
    units: dict[str, float] = {}
    for au, (mean, probability) in PROTOTYPES[expression].items():
        kept = rng.random() < 1 - (1 - probability) * (0.35 + 1.1 * d)
        jitter = 1 + (0.05 + 0.35 * d) * rng.standard_normal()
        value = mean * style.gains.get(au, 1.0) * float(np.clip(jitter, 0.2, 1.7))
        if (kept and probability >= 0.5) or rng.random() < probability * (0.3 + 0.7 * d):
            units[au] = min(value, MAX_INTENSITY)
    return units


def _uneven(
    rng: np.random.Generator, au: str, value: float, expression: str, style: Style
) -> tuple[float, float]:
    """Split an intensity into (left, right) of the image."""
    if au == "AU14" and expression == "contempt":  # contempt is unilateral
        weak = 0.25 * value * float(rng.random())
        return (value, weak) if style.side >= 0 else (weak, value)
    if au in ("AU17", "AU25", "AU26", "AU45"):
        return value, value
    lean = style.side + 0.12 * style.difficulty * float(rng.standard_normal())
    return value * (1 - max(0.0, -lean)), value * (1 - max(0.0, lean))
