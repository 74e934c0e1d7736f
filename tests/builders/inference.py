"""Fixtures for the verbs that use a generator: a workspace of drawn people, and a toy generator."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from builders.edits import CLASSES, SIZE, MadeGenerator, draw_people, lay_out
from faceprep.config import AlignConfig
from faceprep.core.images import write_png
from faceprep.demo.sequence import render_sequence, sample_subject
from faceprep.generators.editor import Editor
from faceprep.generators.exprgan import build, tiny
from faceprep.generators.store import save_generator
from faceprep.inference.generator import LoadedGenerator
from faceprep.workspace import Workspace


class Painter(MadeGenerator):
    """Paint a class as a colour of the requested strength; read the painted strength."""

    preset = "tiny"

    def __init__(self) -> None:
        super().__init__(self.paint)

    def paint(self, x: Tensor, asked: int, strength: float) -> Tensor:
        made = x.clone()
        made[:, asked, :8] = 2 * strength - 1
        return made

    def decode(self, g: Tensor, c: Tensor, src: Tensor | None = None) -> Tensor:
        shown = c.unflatten(1, (len(self.classes), self.elements))[0].mean(1)
        x = torch.zeros(len(g), 3, SIZE, SIZE) + g[:, :1, None, None] if src is None else src
        return self.paint(x, int(shown.argmax()), max(0.0, float(shown.max())))

    def q(self, x: Tensor, y: Tensor) -> Tensor:
        painted = (x[:, :, :8].mean(dim=(2, 3)) + 1) / 2
        signs = 2 * y - 1
        return (signs * painted)[:, :, None].expand(-1, -1, self.elements).flatten(1) * 1.5


@pytest.fixture(scope="session")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn person as a camera sees one: a face that a detector has to find."""
    folder = tmp_path_factory.mktemp("photographs")
    film = render_sequence(
        sample_subject(3, 1, 0.25), "happiness", seed=3, number=0, frames=1, size=320
    )
    write_png(folder / "somebody.png", next(iter(film)).image)
    return folder / "somebody.png"


@pytest.fixture(scope="module")
def drawn_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Six people for training, three for the test, and an untrained generator, which copies."""
    root = tmp_path_factory.mktemp("uses") / "manifests" / "demo"
    workspace = lay_out(root, {"train": draw_people(0, 6), "test": draw_people(100, 3)})
    path = root / "train" / "exprgan" / "generator.safetensors"
    path.parent.mkdir(parents=True)
    model = build(tiny(CLASSES, SIZE, width=4, path_width=4, d_width=4), seed=0)
    save_generator(path, "exprgan", model, model.config.to_json())
    return workspace


@pytest.fixture
def painter(drawn_workspace: Workspace) -> LoadedGenerator:
    """`Painter` with the faces of the workspace."""
    model = Painter()
    return LoadedGenerator(
        model, Editor(model), Path("painter.safetensors"), "0" * 64, "exprgan", drawn_workspace,
        AlignConfig(),
    )  # fmt: skip


@pytest.fixture
def run_verb(drawn_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Run a verb where the workspace is the only one."""
    from typer.testing import CliRunner

    from faceprep.cli import app

    monkeypatch.chdir(drawn_workspace.root.parent.parent)

    def run(*words: object, code: int = 0):
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == code, result.output + result.stderr
        return result

    return run
