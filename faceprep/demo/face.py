"""Render one image and its true landmarks from an identity, action units, pose and light."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from faceprep.demo import canvas
from faceprep.demo.action_units import displace, sided
from faceprep.demo.anatomy import Array
from faceprep.demo.body import Backdrop, chin_shadow, paint_backdrop
from faceprep.demo.brows import paint_brows, paint_nostrils
from faceprep.demo.camera import Camera, Pose, develop
from faceprep.demo.eyes import paint_eyes, paint_glasses
from faceprep.demo.furrows import Furrow, build_furrows
from faceprep.demo.hair import Cover, paint_beard, paint_hair
from faceprep.demo.identity import Identity
from faceprep.demo.light import Light, cast_shadow, shade
from faceprep.demo.mouth import paint_mouth
from faceprep.demo.scene import Patch, Scene
from faceprep.demo.skin import Skin, paint_skin
from faceprep.demo.surface import Surface, build_surface
from faceprep.demo.warp import SkinWarp, contour, inverse_map


@dataclass(frozen=True, slots=True)
class Head:
    """Hold the parts of one identity that are the same in all frames."""

    surface: Surface
    warp: SkinWarp
    skin: Skin
    hair: Cover
    furrows: list[Furrow]
    albedo: Array
    slope: Array
    alpha: Array


@lru_cache(maxsize=2)
def build_head(person: Identity) -> Head:
    """Model and paint the head of an identity (0.3 s, cached)."""
    surface = build_surface(person)
    flat = surface.points[:68, :2]
    skin = paint_skin(person, flat)
    hair = paint_hair(person, surface.outline)
    beard = paint_beard(person, flat)
    ears, ear_slope = _ears(surface)
    albedo = skin.albedo + (beard.albedo - skin.albedo) * beard.alpha[..., None]
    skull = canvas.polygon(canvas.spline(surface.outline, 6, closed=True), 0.6)
    # Outside the head there is only hair: soft edges must not show skin.
    beyond = np.clip((canvas.blur(1 - skull, 1.0) - ears) * 2, 0, 1) * (hair.alpha.max() > 0.5)
    near = np.clip(8 * canvas.blur(hair.alpha, 2.5), 0, 1)
    beyond *= np.maximum(np.clip((24 - canvas.Y) / 20, 0, 1), near)
    cover = np.maximum(hair.alpha, beyond)[..., None]
    albedo += (hair.albedo - albedo) * cover
    bare = 1 - hair.alpha
    slope = surface.slope + hair.relief * hair.alpha
    slope += (skin.relief + ear_slope + beard.relief * beard.alpha) * bare
    # Above the ears the canvas ends with the head; below them the contour cuts it.
    skull *= np.clip((46 - canvas.Y) / 16, 0, 1)
    alpha = np.maximum(np.maximum(ears, hair.alpha), skull)
    shine = skin.shine * (1 - 0.9 * hair.alpha) * (1 - 0.7 * beard.alpha)
    skin = Skin(skin.albedo, skin.relief, shine.astype("f4"), skin.occlusion)
    return Head(
        surface, SkinWarp.of(surface), skin, hair, build_furrows(person, flat),
        albedo.astype(np.float32), slope.astype(np.float32), alpha.astype(np.float32),
    )  # fmt: skip


def _ears(surface: Surface) -> tuple[Array, Array]:
    """Return the mask of the ears and the slope of their folds."""
    x = float(surface.outline[16, 0]) - 1.0
    shape = np.array([
        (x - 6, -4), (x + 2, -11), (x + 8, -12), (x + 12, -6), (x + 12, 4), (x + 9, 15),
        (x + 7, 24), (x + 5, 31), (x + 1, 36), (x - 6, 38),
    ], np.float32)  # fmt: skip
    mask = np.zeros(canvas.SHAPE, np.float32)
    depth = np.zeros(canvas.SHAPE, np.float32)
    for mirror in (1.0, -1.0):
        outline = canvas.spline(shape * (mirror, 1), 5, closed=True)
        one = canvas.polygon(outline, 0.5)
        rim = canvas.stroke([canvas.spline(shape[1:8] * (mirror, 1), 5)], 2.4, 1.2)
        bowl = canvas.bump(mirror * (x + 4.0), 10, 3.0, 8.0)
        mask = np.maximum(mask, one)
        depth += 3.6 * rim - 5.0 * bowl * one
    return mask, canvas.slope(depth)


def render_face(
    identity: Identity,
    intensities: Mapping[str, float | tuple[float, float]],
    pose: Pose | None = None,
    light: Light | None = None,
    backdrop: Backdrop | None = None,
    camera: Camera | None = None,
    *,
    size: int = 320,
    torso: Pose | None = None,
    gaze: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
) -> tuple[NDArray[np.uint8], Array]:
    """Render one face.

    Parameters
    ----------
    intensities
        Action unit → intensity 0..5, e.g. ``{"AU12": 4}``; a pair is (left, right) in the image.
    pose, light, backdrop, camera
        Viewing conditions; by default neutral with a centred face.
    size
        Side of the image, pixels.
    torso
        Pose of the shoulders, by default below the head.
    gaze
        Displacement of the irises (x, y), mm.
    seed
        Seed of the sensor noise.

    Returns
    -------
    image
        (size, size, 3) uint8 RGB.
    landmarks68
        (68, 2) float32, true positions in pixels, iBUG order, pixel centres at integers.
    """
    pose = pose or Pose(scale=size / 320, x=size / 2, y=size * 0.44)
    light, backdrop, camera = light or Light(), backdrop or Backdrop(), camera or Camera()
    head = build_head(identity)
    units = sided(intensities)
    rest = head.surface.points
    moved = displace(rest, units, identity.mobility)
    moves = moved - rest
    knots = head.warp.displacement(moves)
    lit = _shade_canvas(head, identity, units, knots, pose, light)
    still = (torso or pose).still()
    image = paint_backdrop((size, size), identity, backdrop, still, light).copy()
    edge = contour(head.surface.outline, moves, head.surface, pose)
    edge[17:] += 0.12 * (edge[:17].mean(axis=0) - edge[17:])
    jaw = canvas.spline(edge, 6, closed=True)
    chin_shadow(image, jaw, light, pose.scale)
    pixels = inverse_map(head.warp.forward(knots, pose), pose, (size, size))
    _paste(image, lit, head.alpha, jaw, pixels)
    points = pose.project(moved)
    points[:17] = edge[:17]
    scene = Scene(image, identity, pose, light, rest, moved, points, lit, head.albedo, gaze,
                  units)  # fmt: skip
    paint_nostrils(scene)
    paint_mouth(scene)
    paint_eyes(scene)
    paint_brows(scene)
    _fringe(scene, head, lit, pixels)
    paint_glasses(scene)
    return develop(image, camera, np.random.default_rng(seed)), points[:68].copy()


def _shade_canvas(
    head: Head, person: Identity, units: Array, knots: Array, pose: Pose, light: Light
) -> Array:
    """Shade the canvas with the furrows of these intensities."""
    slope, depth = head.slope.copy(), head.surface.depth
    occlusion = head.skin.occlusion.copy()
    for furrow in head.furrows:
        strength = furrow.strength(units, person)
        if strength > 0.02:
            slope[(slice(None), *furrow.window)] += strength * furrow.slope
            occlusion[furrow.window] *= 1 - np.minimum(0.5 * strength * furrow.shade, 0.7)
    raised = cv2.resize(knots[..., 2], canvas.SHAPE[::-1], interpolation=cv2.INTER_LINEAR)
    raised = canvas.blur(raised, 2.0)
    slope += canvas.slope(raised)
    rotation = pose.rotation()
    shadow = cast_shadow(depth, light, rotation, canvas.STEP)
    dark = 0.35 + 0.65 * occlusion
    return shade(slope, head.albedo, light, rotation, occlusion, shadow * dark, head.skin.shine)


def _paste(image: Array, lit: Array, alpha: Array, jaw: Array, pixels: Array) -> None:
    """Warp the shaded canvas into the image, masked by the contour, ears and hair."""
    layer = cv2.remap(np.dstack([lit, alpha]), pixels, None, cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    corner = np.array([[0, 0], [image.shape[1] - 1, image.shape[0] - 1]], np.float32)
    patch = Patch(corner, 0, 1, image.shape[:2])
    face = patch.blur(patch.fill(jaw), 0.7)
    mask = np.maximum(face, layer[..., 3])[..., None]
    image += (layer[..., :3] - image) * mask


def _fringe(scene: Scene, head: Head, lit: Array, pixels: Array) -> None:
    """Draw hair that covers the brows again."""
    low = slice(0, int((-8 - canvas.TOP) / canvas.STEP))
    if head.hair.alpha[low][:, canvas.SHAPE[1] // 3 : -canvas.SHAPE[1] // 3][-28:].max() < 0.05:
        return
    layer = cv2.remap(np.dstack([lit, head.hair.alpha]), pixels, None, cv2.INTER_LINEAR)
    scene.image += (layer[..., :3] - scene.image) * layer[..., 3:]
