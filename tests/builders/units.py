"""A kind driven by Action Units whose pictures show what was asked, and a workspace with it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from builders.toy_generators import ActionUnitToy, ToyConfig, registered, spec
from builders.training import LABELS, toy_workspace
from faceprep.core.images import write_png
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.demo.sequence import render_sequence, sample_subject
from faceprep.generators.base import Edited, Target
from faceprep.generators.registry import register
from faceprep.generators.store import save_generator
from faceprep.inference.generator import LoadedGenerator, open_generator
from faceprep.workspace.artifacts import generator_file

SIZE = 32


class UnitPainter(ActionUnitToy):
    """Paint the intensity of each Action Unit as the brightness of one row of pixels."""

    def edit(self, images: Tensor, target: Target) -> Edited:
        asked = target.require("action_units")
        mask = torch.zeros_like(images[:, :1])
        mask[:, :, : asked.shape[1]] = 1
        colour = torch.zeros_like(images)
        colour[:, :, : asked.shape[1]] = 2 * asked[:, None, :, None] / 5 - 1
        flow = torch.zeros_like(images[:, :2])
        flow[:, 0] = 2.0
        made = torch.where(mask > 0, colour, images)
        return Edited(made, {"mask": mask, "colour": colour, "flow": flow})


def painted(image: np.ndarray) -> dict[str, float]:
    """Return the intensities that `UnitPainter` was asked for, rounded to 0.1."""
    rows = image[: len(INTENSITY_AUS)].mean(axis=(1, 2)) / 255 * 5
    return dict(zip(INTENSITY_AUS, rows.round(1).tolist(), strict=True))


def save_painter(root: Path) -> Path:
    """Save a painter as the workspace's trained generator, and return its file."""
    config = ToyConfig(preset="tiny", classes=LABELS, size=SIZE)
    path = generator_file(root, UnitPainter.kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    peaks = {name: [[float(label)] * 17] * 2 for label, name in enumerate(LABELS)}
    extra = {"references": {"action_units": peaks}}
    save_generator(path, UnitPainter.kind, UnitPainter(config), config.to_json(), extra=extra)
    return path


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames from rest to a smile, of which the fourth shows no face."""
    folder = tmp_path_factory.mktemp("clips") / "smile"
    folder.mkdir()
    person = sample_subject(3, 2, 0.25)
    film = render_sequence(person, "happiness", seed=3, number=0, frames=6, size=200)
    for number, frame in enumerate(film, 1):
        image = frame.image if number != 4 else np.zeros_like(frame.image)
        write_png(folder / f"{number}.png", image)
    return folder


@pytest.fixture(scope="module")
def unit_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace whose faces have every AU at 0 (anger) to 3 (surprise), and a `UnitPainter`."""
    root = tmp_path_factory.mktemp("units") / "manifests" / "demo"
    with registered():
        register(spec(UnitPainter))
        toy_workspace(root, measured=True)
        save_painter(root)
        yield root


@pytest.fixture
def unit_painter(unit_workspace: Path) -> LoadedGenerator:
    """The painter of `unit_workspace`, loaded."""
    return open_generator(unit_workspace, generator_file(unit_workspace, UnitPainter.kind))


@pytest.fixture
def run_units(unit_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Run a verb with the painter."""
    from typer.testing import CliRunner

    from faceprep.cli import app

    monkeypatch.chdir(unit_workspace.parent.parent)

    def run(*words: object, code: int = 0):
        typed = [*words, "--generator", UnitPainter.kind]
        result = CliRunner().invoke(app, [str(word) for word in typed])
        assert result.exit_code == code, result.output + result.stderr
        return result

    run.workspace = unit_workspace
    return run
