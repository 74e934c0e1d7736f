"""Known results of edits."""

import numpy as np
import pytest
import torch

from faceprep.core.landmarks import FLIP_68
from faceprep.training.crops import Crops, make_crops
from faceprep.training.known_results import KnownResults, affine, face_masks

SIZE = 32
NO, YES = torch.tensor([False]), torch.tensor([True])


def shape() -> np.ndarray:
    """Return the points of a face in a crop, symmetric to its middle."""
    rng = np.random.default_rng(3)
    angle = np.linspace(0.1, np.pi - 0.1, 17)
    points = np.empty((68, 2), np.float32)
    points[:17] = np.stack([0.5 - 0.28 * np.cos(angle), 0.45 + 0.4 * np.sin(angle)], axis=1)
    points[17:] = rng.uniform(0.32, 0.68, (51, 2))
    points[17:27, 1] = 0.3
    mirrored = points[FLIP_68] * [-1, 1] + [1, 0]
    return ((points + mirrored) / 2).astype(np.float32)


def face_mask(points: np.ndarray, size: int) -> np.ndarray:
    """Return the mask of a face, ``(S, S) uint8``."""
    masks = face_masks(torch.from_numpy(points)[None], size)
    return (masks[0, 0] * 255).round().byte().numpy()


def crops(second: np.ndarray | None, shift: int = 0) -> Crops:
    """Return two faces of a person: the second is shifted to the right, with its points."""
    y, x = np.mgrid[:SIZE, :SIZE]
    first = np.stack([x * 5, y * 5, (x + y) * 3], axis=2).astype(np.uint8)
    pictures = [first, np.roll(first, shift, axis=1)]
    points = None if second is None else np.stack([shape(), second]) * SIZE
    labels, names = ["neutral", "happiness"], ["a", "b"]
    return make_crops(
        pictures, names, labels, ["s", "s"], ("happiness", "neutral"), SIZE, landmarks=points
    )


def results(faces: Crops, flips: torch.Tensor = NO) -> torch.Tensor:
    return KnownResults(faces)(torch.tensor([0]), torch.tensor([1]), flips)


def test_a_moved_face_is_moved_back_and_replaces_the_source_inside_the_face_only():
    faces = crops(shape() + [4 / SIZE, 0], shift=4)
    made, source = results(faces), faces.batch(torch.tensor([0]))
    inside = torch.from_numpy(face_mask(shape(), SIZE))[None, None].expand(1, 3, -1, -1)
    assert (made - source).abs()[inside > 200].max() < 1e-4  # the same face, moved back
    assert torch.equal(made[..., :3], source[..., :3])  # beside the face
    other = faces.batch(torch.tensor([1]))
    assert (other - source).abs()[inside > 200].mean() > 0.05


def test_mirrored_faces_have_mirrored_results():
    faces = crops(shape() + [2 / SIZE, 1 / SIZE], shift=7)
    torch.testing.assert_close(results(faces, YES), results(faces).flip(3), atol=1e-5, rtol=0)


def test_the_source_itself_is_returned_unchanged():
    faces = crops(shape())
    made = KnownResults(faces)(torch.tensor([1]), torch.tensor([1]), NO)
    assert torch.equal(made, faces.batch(torch.tensor([1])))


@pytest.mark.parametrize("second", [None, np.full((68, 2), np.nan)])
def test_without_points_the_other_face_is_the_result(second):
    faces = crops(second, shift=4)
    assert torch.equal(results(faces), faces.batch(torch.tensor([1])))


def test_affine_maps_are_recovered():
    source = torch.from_numpy(shape())[None]
    matrix = torch.tensor([[1.1, 0.1, 0.05], [-0.1, 0.9, -0.02]])
    other = ((source * 2 - 1) @ matrix[:, :2].T + matrix[:, 2] + 1) / 2
    torch.testing.assert_close(affine(source, other)[0], matrix, atol=1e-4, rtol=0)


def test_the_mask_has_a_forehead_and_a_soft_border():
    mask = face_mask(shape(), 64)
    assert mask[int(0.25 * 64), 32] > 250  # above the brows at 0.3
    assert mask[32, 2] == mask[2, 32] == 0
    assert len(np.unique(mask)) > 20
