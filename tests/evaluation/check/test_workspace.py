"""The check of tables that `classify` wrote: it fails on sabotage, and on nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch
from builders.classify import people, synthetic_faces, write_generator
from builders.training import LABELS, picture, toy_workspace

from faceprep.config import ClassifyConfig, Config
from faceprep.core.images import write_png
from faceprep.core.progress import Progress
from faceprep.evaluation.check.comparison import Gate
from faceprep.evaluation.check.workspace import check_workspace, update_baseline
from faceprep.report.accuracy.files import write_files
from faceprep.stages.classify.run import run_classify

SYNTHETIC = 32


def study(root: Path, synthetic: list[np.ndarray] | None = None, mislabel: bool = False) -> Path:
    """Eight painted people, synthetic faces (honest ones without `synthetic`), and the table.

    With `mislabel` every training face shows another expression than its row says.
    """
    workspace = toy_workspace(root, people=8)
    checkpoint = write_generator(workspace, subjects=people(0, 1, 2, 3, 4, 5))
    synthetic_faces(workspace, checkpoint, SYNTHETIC, pictures=synthetic)
    if mislabel:
        for file in sorted((root / "align").glob("images/*/*.png")):
            subject, name = file.stem.split("__")[1:]
            if subject not in ("S6", "S7"):
                shown = (LABELS.index(name) + 1) % len(LABELS)
                write_png(file, picture(int(subject[1:]), shown))
    return classified(root)


def classified(root: Path) -> Path:
    choices = ClassifyConfig(
        size=32, updates=40, batch=16, look_every=10, seeds=2, near_duplicates=0,
        sweep=(0, SYNTHETIC), synthetic_share=0.75,
    )  # fmt: skip
    config = Config(workspace=root, workers=1, classify=choices)
    quiet = Progress(quiet=True)
    write_files(config, run_classify(config, quiet, overwrite=True))
    return root


def gate(root: Path, baseline: Path) -> Gate:
    found = check_workspace(root, baseline).gate
    assert found is not None
    return found


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("honest")
    root = study(folder / "ws")
    update_baseline(root, folder / "gate.json", "the first")
    return root, folder / "gate.json"


def test_the_same_trainings_pass_with_any_number_of_threads(honest: tuple[Path, Path]) -> None:
    root, baseline = honest
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found = gate(classified(root), baseline)
            assert found.passed
            assert [row.found for row in found.rows] == [row.expected for row in found.rows]
    finally:
        torch.set_num_threads(before)


def test_shuffled_labels_fail(honest: tuple[Path, Path], tmp_path: Path) -> None:
    found = gate(study(tmp_path, mislabel=True), honest[1])
    assert not found.passed


def test_a_generator_that_shows_other_expressions_than_asked_fails(
    honest: tuple[Path, Path], tmp_path: Path
) -> None:
    wrong = [
        picture(1000 + index // len(LABELS), (index + 1) % len(LABELS))
        for index in range(SYNTHETIC)
    ]
    found = gate(study(tmp_path, synthetic=wrong), honest[1])
    assert {row.key[2] for row in found.regressions} == {SYNTHETIC}
