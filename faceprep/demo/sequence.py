"""Render sequences of a subject from rest to peak, with small head movements."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceprep.demo.action_units import AU_NAMES
from faceprep.demo.anatomy import Array
from faceprep.demo.body import Backdrop
from faceprep.demo.camera import Camera, Pose
from faceprep.demo.expression import Style, Units, peak_units, sample_style
from faceprep.demo.face import render_face
from faceprep.demo.identity import Identity, sample_identity
from faceprep.demo.light import Light
from faceprep.demo.skin import linear

MAX_TURN = 15.0
"""Largest yaw and pitch, degrees."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Hold one rendered image and its true values."""

    image: NDArray[np.uint8]  # (size, size, 3) uint8 RGB
    landmarks68: Array  # (68, 2) float32 pixels
    units: dict[str, float]  # action unit → intensity 0..5 (the stronger half)
    progress: float  # 0 at rest to 1 at the peak
    quality: int  # JPEG quality of the camera, 1-100


@dataclass(frozen=True, slots=True)
class Subject:
    """Hold an identity and its style of expressions."""

    index: int
    identity: Identity
    style: Style


def sample_subject(seed: int, index: int, difficulty: float) -> Subject:
    """Draw a subject from a seed and an index, independently of the number of subjects."""
    rng = np.random.default_rng((seed, index, 0))
    identity = sample_identity(rng, spread=0.45 + 1.1 * difficulty)
    style = sample_style(np.random.default_rng((seed, index, 1)), difficulty)
    return Subject(index, identity, style)


def render_sequence(
    subject: Subject,
    expression: str,
    *,
    seed: int,
    number: int,
    frames: int,
    size: int,
    gray: bool = False,
    plain: bool = True,
) -> Iterator[Frame]:
    """Render one expression from rest to peak.

    Parameters
    ----------
    seed, number
        Seeds of all random numbers, with the index of the subject.
    frames
        At least 1; the last three are at the peak, the first is at rest.
    size
        Side of the images, pixels.
    plain
        Whether the background is a plain wall rather than a room out of focus.
    """
    rng = np.random.default_rng((seed, subject.index, 2, number))
    d = subject.style.difficulty
    peak = peak_units(rng, expression, subject.style)
    rest: Units = dict(subject.style.resting)
    light, camera = sample_light(rng, d), sample_camera(rng, d, gray, subject.identity)
    backdrop = sample_backdrop(np.random.default_rng((seed, subject.index, 3)), plain)
    start, end = sample_pose(rng, d, size), sample_pose(rng, d, size)
    drift = 0.15 + 0.35 * rng.random()
    blink = int(rng.integers(1, max(2, frames - 3))) if rng.random() < 0.25 and frames > 5 else -1
    gaze = rng.normal(0, 0.6 + 0.8 * d, 2).clip(-2.5, 2.5)
    for k, progress in enumerate(onset(frames, rng)):
        units = _blend(rest, peak, progress)
        if k == blink:
            units["AU45"] = 4.0
        pose = _interpolate_pose(start, end, drift * k / max(frames - 1, 1), rng)
        image, landmarks = render_face(
            subject.identity, units, pose, light, backdrop, camera, size=size, torso=start,
            gaze=(float(gaze[0]), float(gaze[1])), seed=int(rng.integers(2**31)),
        )  # fmt: skip
        yield Frame(image, landmarks, strongest(units), progress, camera.quality)


def onset(frames: int, rng: np.random.Generator) -> list[float]:
    """Return the progress of each frame: smooth, 0 at first, close to 1 in the last three."""
    if frames == 1:
        return [1.0]
    begin, full = rng.uniform(0.1, 0.24), rng.uniform(0.64, 0.74)
    t = np.arange(frames) / (frames - 1)
    t[-3:] = np.maximum(t[-3:], full - 0.03) if frames >= 4 else t[-3:]
    x = np.clip((t - begin) / (full - begin), 0, 1)
    return [float(v) for v in x * x * (3 - 2 * x)]


def _blend(rest: Units, peak: Units, progress: float) -> Units:
    units: Units = {}
    for au in sorted({*rest, *peak}):
        a, b = np.array(_pair(rest, au)), np.array(_pair(peak, au))
        left, right = a + (b - a) * progress
        units[au] = (float(left), float(right))
    return units


def _pair(units: Units, au: str) -> tuple[float, float]:
    value = units.get(au, 0.0)
    return value if isinstance(value, tuple) else (value, value)


def strongest(units: Units) -> dict[str, float]:
    """Intensity of every action unit: that of the half which moves more."""
    return {au: float(np.clip(max(_pair(units, au)), 0, 5)) for au in AU_NAMES}


def sample_light(rng: np.random.Generator, difficulty: float) -> Light:
    """Draw a lamp in front of the face, above the eyes."""
    spread = 0.35 + 1.3 * difficulty
    key = float(np.clip(0.92 + 0.12 * spread * rng.standard_normal(), 0.6, 1.2))
    warm = float(0.05 * spread * rng.standard_normal())
    return Light(
        azimuth=float(np.clip(26 * spread * rng.standard_normal(), -62, 62)),
        elevation=float(np.clip(28 + 13 * spread * rng.standard_normal(), 2, 62)),
        key=key,
        fill=float(np.clip(0.31 + 0.07 * spread * rng.standard_normal(), 0.16, 0.5)),
        colour=(1.02 + warm, 1.0, 0.97 - warm),
        softness=float(rng.uniform(0.2, 0.9)),
    )


def sample_pose(rng: np.random.Generator, difficulty: float, size: int) -> Pose:
    """Draw a roughly frontal pose, at most 15 degrees off."""
    spread = 0.25 + 1.0 * difficulty
    yaw, pitch = np.clip(rng.standard_normal(2) * (7.5, 5.0) * spread, -MAX_TURN, MAX_TURN)
    roll = float(np.clip(rng.standard_normal() * 4.0 * spread, -15, 15))
    unit = size / 320
    scale = float(np.clip(rng.normal(0.98, 0.06 * spread), 0.82, 1.12)) * unit
    x = 160 + float(np.clip(rng.normal(0, 7 * spread), -22, 22))
    y = 143 + float(np.clip(rng.normal(0, 5 * spread), -12, 12))
    return Pose(float(yaw), float(pitch), roll, scale, x * unit, y * unit)


def _interpolate_pose(start: Pose, end: Pose, share: float, rng: np.random.Generator) -> Pose:
    tremor = rng.normal(0, 1, 5)
    a = np.array((start.yaw, start.pitch, start.roll, start.x, start.y))
    b = np.array((end.yaw, end.pitch, end.roll, end.x, end.y))
    yaw, pitch, roll, x, y = a + (b - a) * share + tremor * (0.3, 0.3, 0.2, 0.3, 0.3)
    limit = MAX_TURN
    return replace(
        start, yaw=float(np.clip(yaw, -limit, limit)), pitch=float(np.clip(pitch, -limit, limit)),
        roll=float(roll), x=float(x), y=float(y),
    )  # fmt: skip


def sample_camera(
    rng: np.random.Generator, difficulty: float, gray: bool, person: Identity
) -> Camera:
    """Draw a webcam with blur, noise and an exposure that partly adapts to the face."""
    d = difficulty
    metered = float(np.clip(0.36 / linear(person.skin).mean(), 0.8, 6)) ** 0.3
    return Camera(
        exposure=metered
        * float(np.clip(np.exp((0.05 + 0.17 * d) * rng.standard_normal()), 0.65, 1.4)),
        blur=float(0.35 + (0.2 + 1.1 * d) * rng.random()),
        noise=float(0.8 + (1.0 + 5.0 * d) * rng.random()),
        contrast=float(np.clip(1 + (0.03 + 0.1 * d) * rng.standard_normal(), 0.88, 1.2)),
        gray=gray,
        quality=int(rng.integers(95 - round(25 * d), 97)),
    )


def sample_backdrop(rng: np.random.Generator, plain: bool) -> Backdrop:
    """Draw a wall and clothes, which are the same in all sequences of a subject."""
    level = rng.uniform(70, 215)
    wall = np.clip(level * (1 + rng.normal(0, 0.05 if plain else 0.15, 3)), 20, 240)
    cloth = np.clip(
        rng.choice((35.0, 70.0, 110.0, 180.0, 225.0)) * rng.uniform(0.6, 1.1, 3), 12, 240
    )
    return Backdrop(
        key=int(rng.integers(2**31)),
        wall=(float(wall[0]), float(wall[1]), float(wall[2])),
        clutter=float(rng.uniform(0, 0.15) if plain else rng.uniform(0.4, 1.0)),
        cloth=(float(cloth[0]), float(cloth[1]), float(cloth[2])),
        neckline=str(rng.choice(("crew", "v", "collar"))),
    )
