import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faceprep.core.heatmaps import (
    combined_heatmap,
    gaussian_planes,
    sigma_pixels,
    split_planes,
    stacked_planes,
)
from faceprep.core.landmarks import FLIP_68, flip_points

coordinates = st.floats(-40, 170) | st.sampled_from([np.nan, np.inf, -np.inf, 1e30, -1e9, 0.0, 127])
faces = arrays(np.float64, (68, 2), elements=coordinates)
sizes = st.sampled_from([32, 64, 128, 200])
sigmas = st.sampled_from([0.7, 1.5, 2.0, 5.0])


def planes_of(face: np.ndarray, size: int, sigma: float = 2.0) -> np.ndarray:
    return gaussian_planes(torch.from_numpy(face)[None], size, sigma)[0].numpy()


@given(faces, sizes, sigmas)
def test_torch_and_numpy_agree(face: np.ndarray, size: int, sigma: float) -> None:
    planes = planes_of(face, size, sigma)
    np.testing.assert_array_equal(
        combined_heatmap(face, size, sigma), np.rint(planes.max(axis=0) * 255).astype(np.uint8)
    )
    stack = stacked_planes(face, size, sigma)
    np.testing.assert_array_equal(split_planes(stack), np.rint(planes * 255).astype(np.uint8))


@given(faces)
def test_float32_differs_by_one_step_at_most(face: np.ndarray) -> None:
    planes = gaussian_planes(torch.from_numpy(face).float()[None], 128)[0]
    assert planes.dtype == torch.float32
    steps = np.rint(planes.numpy().max(axis=0) * 255) - combined_heatmap(face, 128)
    # Beyond 2^24 float32 has no half pixels, but such a point is not in the crop.
    assert np.abs(steps).max() <= 1
    assert (steps != 0).mean() < 0.001


@given(faces, st.sampled_from([64, 128]))
def test_a_flip_of_the_points_is_a_flip_of_the_planes(face: np.ndarray, size: int) -> None:
    flipped = planes_of(flip_points(face, size), size)
    np.testing.assert_allclose(flipped, planes_of(face, size)[FLIP_68, :, ::-1], atol=1e-12)
    np.testing.assert_array_equal(
        combined_heatmap(flip_points(face, size), size), combined_heatmap(face, size)[:, ::-1]
    )


def test_closed_form() -> None:
    face = np.full((68, 2), np.nan)
    face[7] = (20, 90)
    planes = planes_of(face, 128)
    assert planes[7, 90, 20] == 1
    assert planes[7, 90, 22] == pytest.approx(np.exp(-0.5))  # one σ of two pixels to the side
    assert planes[7, 93, 24] == pytest.approx(np.exp(-(9 + 16) / 8))
    assert not np.delete(planes, 7, axis=0).any()
    heatmap = combined_heatmap(face, 128)
    assert heatmap.dtype == np.uint8
    assert heatmap[90, 20] == 255
    assert heatmap[90, 22] == round(255 * np.exp(-0.5))


def test_sigma_grows_with_the_crop() -> None:
    assert sigma_pixels(2, 128) == 2
    assert sigma_pixels(2, 256) == 4
    face = np.full((68, 2), np.nan)
    face[0] = (100, 100)
    assert planes_of(face, 256)[0, 100, 104] == pytest.approx(np.exp(-0.5))


def test_points_that_are_nowhere_leave_nothing() -> None:
    for value in (np.nan, np.inf, -np.inf, 1e30, -500):
        face = np.full((68, 2), value)
        assert not planes_of(face, 64).any()
        assert not combined_heatmap(face, 64).any()
        assert not stacked_planes(face, 64).any()


def test_a_point_just_outside_reaches_in() -> None:
    face = np.full((68, 2), np.nan)
    face[0] = (-2, 30)
    heatmap = combined_heatmap(face, 128)
    assert heatmap[30, 0] == round(255 * np.exp(-0.5))


def test_gradients_are_finite_and_pull_towards_the_point() -> None:
    face = torch.full((1, 68, 2), float("nan"))
    face[0, 3] = torch.tensor([30.0, 40.0])
    face.requires_grad_()
    gaussian_planes(face, 64)[0, 3, 40, 33].backward()
    assert face.grad is not None
    assert torch.isfinite(face.grad).all()
    assert face.grad[0, 3, 0] > 0  # a movement to the right makes the pixel to the right brighter
    assert face.grad[0, 3, 1] == 0


def test_half_precision_is_rendered_in_float32() -> None:
    face = torch.full((2, 68, 2), 31.5, dtype=torch.float16)
    planes = gaussian_planes(face, 64)
    assert planes.shape == (2, 68, 64, 64)
    assert planes.dtype == torch.float32


def test_planes_that_are_not_square() -> None:
    with pytest.raises(ValueError, match="square"):
        split_planes(np.zeros((100, 64), np.uint8))


def test_files_need_neither_torch_nor_dlib() -> None:
    program = (
        "import sys, numpy as np\n"
        "from faceprep.core.heatmaps import combined_heatmap\n"
        "combined_heatmap(np.zeros((68, 2)), 128)\n"
        "from faceprep.faces import alignment\n"
        "print(*(name for name in ('torch', 'dlib', 'pandas') if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
