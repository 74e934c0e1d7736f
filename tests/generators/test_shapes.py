"""The estimate of the displacement by an expression."""

import numpy as np
import pytest

from faceprep.generators.shapes import ShapeModel, fit_shape_model


def people(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return faces that differ in three identities and two expressions, and the displacements."""
    basis = np.random.default_rng(0).normal(size=(5, 68, 2))
    random = np.random.default_rng(seed)
    weights = random.normal(size=(count, 5)) * np.array([0.03, 0.03, 0.03, 0.02, 0.02])
    moved = np.einsum("nk,kpd->npd", weights[:, 3:], basis[3:])
    return 0.5 + np.einsum("nk,kpd->npd", weights[:, :3], basis[:3]) + moved, moved


def test_displacements_of_other_people_are_estimated() -> None:
    model = fit_shape_model(*people(200, 1))
    points, moved = people(50, 2)
    error = np.square(model.displacement(points) - moved).mean()
    assert error < 0.02 * np.square(moved).mean()


def test_it_is_stored_as_plain_values_and_malformed_ones_are_refused() -> None:
    model = fit_shape_model(*people(20, 1))
    stored = model.to_json()
    points, _ = people(3, 2)
    again = ShapeModel.from_json(stored)
    assert np.allclose(again.displacement(points), model.displacement(points), atol=1e-4)
    for wrong in ({}, {**stored, "mean": [0.0]}, {**stored, "offset": [float("nan")] * 136}):
        with pytest.raises((KeyError, ValueError)):
            ShapeModel.from_json(wrong)


def test_one_face_has_its_own_displacement() -> None:
    points, moved = people(1, 1)
    assert np.allclose(fit_shape_model(points, moved).displacement(points), moved)
