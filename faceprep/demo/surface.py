"""Model the head as a depth map over the canvas, and its outline."""

from dataclasses import dataclass

import cv2
import numpy as np

from faceprep.demo import canvas
from faceprep.demo.anatomy import Array, anchor_points, skin_points
from faceprep.demo.canvas import X, Y, bump, pair
from faceprep.demo.identity import Identity, landmarks_of

EDGE_SLOPE = 1.45
"""Largest slope of the surface towards the back, mm per mm; keeps the warp invertible at 15°."""

# The mid-sagittal profile without the nose: y → z, mm.
_PROFILE_Y = (-152, -135, -122, -110, -98, -85, -72, -55, -38, -22, -10, 0, 15, 35, 50, 62, 70,
              80, 90, 100, 108, 116, 140)  # fmt: skip
_PROFILE_Z = (-120, -92, -72, -52, -34, -19, -8, 2, 8, 11, 9, 7, 8, 10, 13, 15, 15, 13, 10, 8, 3,
              -7, -42)  # fmt: skip

# Half-width of the skull above the ears: y → x, mm.
_SKULL_Y = (-116.0, -112.0, -100.0, -85.0, -66.0, -45.0, -22.0)
_SKULL_X = (0.0, 22.0, 43.0, 57.0, 67.0, 71.5, 72.5)


@dataclass(frozen=True, slots=True)
class Surface:
    """Hold the neutral head of one identity."""

    points: Array  # (68 + skin, 3) mm, landmarks and free skin points on the surface
    anchors: Array  # (n, 3) mm, fixed points
    depth: Array  # canvas map, mm towards the camera
    slope: Array  # (2, H, W), its derivatives along x and y
    outline: Array  # (n, 2) mm, the closed head contour; its first 17 points are the jaw landmarks


def build_surface(person: Identity) -> Surface:
    """Model the neutral head of an identity."""
    flat = landmarks_of(person)
    outline = np.concatenate([flat[:17], _skull(person)])
    depth = canvas.blur(_dome(outline, flat) + _features(person, flat), 1.2)
    skin = skin_points() * (person.face_width, person.face_length)
    points = np.concatenate([flat, skin.astype(np.float32)])
    anchors = anchor_points()
    return Surface(
        points=_on(depth, points),
        anchors=_on(depth, anchors),
        depth=depth,
        slope=canvas.slope(depth),
        outline=outline,
    )


def _on(depth: Array, points: Array) -> Array:
    return np.column_stack([points, canvas.sample(depth, points)]).astype(np.float32)


def _skull(person: Identity) -> Array:
    """Return the contour above the ears, from the right of the image to the left."""
    y = np.array(_SKULL_Y[::-1], np.float32)
    x = np.array(_SKULL_X[::-1], np.float32) * person.face_width
    right, left = np.column_stack([x, y]), np.column_stack([-x, y])[::-1]
    return np.concatenate([right, left[1:]]).astype(np.float32)


def _dome(outline: Array, flat: Array) -> Array:
    """Return the depth of the smooth head: profile, curvature, and the edge at the contour."""
    inside = canvas.polygon(canvas.spline(outline, 6, closed=True)) > 0.5
    within = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    beyond = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    distance = canvas.blur((within - beyond) * canvas.STEP, 2.0)
    chin = flat[8, 1]
    # The surface curves back quickly under the chin and slowly at the temples.
    radius = np.interp(Y, (chin - 55, chin - 25, chin), (38, 26, 15)).astype(np.float32)
    radius = canvas.blur(radius, 6.0)
    power = 2.4
    t = np.clip(1 - distance / radius, 0, 1)
    turn = radius * (EDGE_SLOPE / power) * t**power
    turn += EDGE_SLOPE * np.clip(-distance, 0, None)
    profile = np.interp(Y, _PROFILE_Y, _PROFILE_Z).astype(np.float32)
    curvature = np.interp(Y, (-120, -60, 20, 70, 110), (0.0046, 0.0036, 0.0034, 0.0052, 0.008))
    round_side = np.minimum(np.abs(X), 75)
    return (canvas.blur(profile, 5.0) - curvature * round_side**2 - turn).astype(np.float32)


def _features(person: Identity, flat: Array) -> Array:
    """Return the relief of nose, brow ridge, sockets, cheekbones, mouth and chin."""
    eye_x, eye_y = float(flat[42:48, 0].mean()), float(flat[42:48, 1].mean())
    brow_y = float(flat[22:27, 1].mean())
    seam, chin = float(flat[62, 1]), float(flat[8, 1])
    male = person.masculinity
    lean = person.fullness
    relief = -7.5 * pair(eye_x - 1, eye_y - 5, 14.0, 8.0)  # socket
    relief -= 3.0 * pair(16.0, eye_y + 1, 5.0, 8.0)  # beside the bridge
    relief += 5.2 * pair(eye_x, eye_y + 0.5, 10.5, 7.5)  # eyeball under the lids
    relief += (1.2 + 2.6 * male) * pair(30.0, brow_y + 2, 18.0, 5.0, -8)  # brow ridge
    relief += 1.5 * male * bump(0, brow_y + 3, 9, 5)
    relief += (2.0 + 5.0 * person.cheekbones) * pair(46.0, 24.0, 14.0, 10.0, -25)
    relief += 2.0 * pair(30.0, 34.0, 14.0, 14.0)
    relief += (7.0 * lean - 5.0) * pair(46.0, 58.0, 13.0, 16.0)  # hollow or full cheek
    relief -= 3.0 * pair(66.0, -26.0, 12.0, 16.0)  # temple
    relief += 4.0 * bump(0, seam - 2, 24.0, 14.0)  # teeth under the lips
    relief += 0.45 * pair(4.4, seam - 12, 2.0, 5.0) - 0.5 * bump(0, seam - 12, 2.4, 5.0)  # philtrum
    relief -= 4.0 * bump(0, seam + 17.5, 17.0, 4.5)  # fold between lip and chin
    relief += (4.0 + 2.5 * male) * bump(0, chin - 11, 14.0, 8.5)
    relief += 2.0 * pair(24.0, -50.0, 18.0, 16.0)  # forehead
    return relief + _nose(person, flat)


def _nose(person: Identity, flat: Array) -> Array:
    tip, base = float(flat[30, 1]), float(flat[33, 1])
    rows = np.linspace(-22, base + 6, 64)
    knots = (-16.0, -6.0, 3.0, 0.55 * tip, tip - 5, tip, tip + 4.5, base - 1.5, base + 4)
    ridge = np.interp(rows, knots, (0, 1.0, 5.0, 12.5, 21, 22.5, 20.0, 7.0, 0.0))
    width = np.interp(rows, knots, (11, 7.0, 5.6, 5.8, 7.4, 8.2, 8.2, 7.5, 7.5))
    height = np.interp(Y, rows, ridge).astype(np.float32) * person.nose_depth
    spread = np.interp(Y, rows, width).astype(np.float32) * (0.5 + 0.5 * person.nose_width)
    height = cv2.GaussianBlur(height, (1, 0), sigmaX=0.1, sigmaY=2.4)
    nose = height * np.exp(-(np.abs(X / spread / 1.25) ** 2.6))
    wing_x = float(flat[35, 0]) - 2.5
    nose += 8.5 * pair(wing_x, base - 6.5, 4.4, 5.0)  # wings
    nose -= 2.2 * pair(wing_x + 6.5, base - 6.0, 2.2, 5.5)  # crease behind the wings
    nose -= 1.5 * bump(0, base + 1.5, 12.0, 2.2)
    return nose.astype(np.float32)
