"""A kind driven by landmarks whose pictures show what was asked, and a workspace with it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from builders.toy_generators import LandmarkToy, ToyConfig, registered, spec
from builders.training import LABELS, toy_workspace
from faceprep.generators.base import Edited, Target
from faceprep.generators.registry import register
from faceprep.generators.shapes import fit_shape_model
from faceprep.generators.store import save_generator
from faceprep.inference.generator import LoadedGenerator, open_generator
from faceprep.workspace.artifacts import generator_file

SIZE = 32


class LandmarkPainter(LandmarkToy):
    """Paint the mean requested coordinate, and the number of the label, as brightness."""

    driven_by = frozenset({"landmarks", "expression"})

    def edit(self, images: Tensor, target: Target) -> Edited:
        made = torch.empty_like(images)
        made[:, :, : SIZE // 2] = (
            2 * target.require("landmarks").mean((1, 2))[:, None, None, None] - 1
        )
        number = target.require("expression") @ torch.arange(len(LABELS)).float()
        made[:, :, SIZE // 2 :] = (2 * number / 10 - 1)[:, None, None, None]
        return Edited(made)


def painted(image: np.ndarray) -> tuple[float, str]:
    """Return the mean coordinate, in pixels of the crop, and the label that were asked for."""
    rows = image.mean(axis=(1, 2)) / 255
    return round(float(rows[0]) * SIZE, 1), LABELS[round(float(rows[-1]) * 10)]


def shape_model(rest: float) -> dict[str, object]:
    """Return an estimate that takes all points at `rest`, in pixels, as the neutral shape."""
    levels = np.array([rest, rest + 8])[:, None, None] / SIZE * np.ones((1, 68, 2))
    return fit_shape_model(levels, levels - rest / SIZE).to_json()


@pytest.fixture(scope="module")
def landmark_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with points at 1 (anger) to 4 (surprise) pixels, 3 neutral, and a painter."""
    root = tmp_path_factory.mktemp("landmarks") / "manifests" / "demo"
    with registered():
        register(spec(LandmarkPainter))
        toy_workspace(root, measured=True)
        config = ToyConfig(preset="tiny", classes=LABELS, size=SIZE)
        path = generator_file(root, LandmarkPainter.kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        extra = {"references": {"shape": shape_model(3)}}
        model = LandmarkPainter(config)
        save_generator(path, LandmarkPainter.kind, model, config.to_json(), extra=extra)
        yield root


@pytest.fixture
def landmark_painter(landmark_workspace: Path) -> LoadedGenerator:
    """The painter of `landmark_workspace`, loaded."""
    file = generator_file(landmark_workspace, LandmarkPainter.kind)
    return open_generator(landmark_workspace, file)


@pytest.fixture
def run_landmarks(landmark_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Run a verb with the painter."""
    from typer.testing import CliRunner

    from faceprep.cli import app

    monkeypatch.chdir(landmark_workspace.parent.parent)

    def run(*words: object, code: int = 0):
        typed = [*words, "--generator", LandmarkPainter.kind]
        result = CliRunner().invoke(app, [str(word) for word in typed])
        assert result.exit_code == code, result.output + result.stderr
        return result

    return run
