"""Split of the faces: the held-out subjects."""

from pathlib import Path

from builders.classify import configured, people
from builders.training import toy_workspace

from faceprep.config import ClassifyConfig
from faceprep.core.progress import Progress
from faceprep.stages.classify.faces import Splits, load_faces
from faceprep.stages.classify.run import run_classify

QUIET = Progress(quiet=True)


def test_val_is_left_out_where_there_is_one(tmp_path: Path) -> None:
    toy_workspace(tmp_path, people=8, S3="val")
    result = run_classify(configured(tmp_path, seeds=2), QUIET)
    for done in result.run_results:
        assert done.held_out == people(3)
        assert done.trained_on == people(0, 1, 2, 4, 5)


def test_who_is_left_out_follows_from_seed_and_fold(tmp_path: Path) -> None:
    toy_workspace(tmp_path, people=12)
    faces = load_faces(tmp_path, ClassifyConfig())
    held = {
        (seed, fold): tuple(Splits(faces, 0.2).split(fold, seed).held_out)
        for seed in range(6) for fold in (None, 0, 1)
    }  # fmt: skip
    assert len({*held.values()}) > 8
    assert all(len(one) == 8 for one in held.values())  # two of ten, or of eight, people
    assert tuple(Splits(faces, 0.2).split(None, 3).held_out) == held[3, None]
