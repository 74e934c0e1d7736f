"""What a killed ``augment`` leaves is of use, and is described by no record of other faces."""

from pathlib import Path
from typing import Any

import pytest
from builders.augment import augment_config, generator_workspace, make_faces
from builders.classify import configured

from faceprep.cli.remedies import spell
from faceprep.cli.remedies.augment import augment_command
from faceprep.core.errors import FaceprepError, ManifestError, UsageError
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.stages.augment import run as augment
from faceprep.stages.classify.faces import load_faces
from faceprep.stages.classify.synthetic import find_synthetic
from faceprep.workspace.synthetic import load_synthetic, synthetic_record

RECORD = Path("augment") / "exprgan" / "stage.json"


def killed(root: Path, count: int, shards: int, options: Options, **settings: Any) -> None:
    """Make faces, and be killed when so many shards are done."""
    real = augment.run_jobs

    def cut(stage: str, jobs: list[Any], *more: Any) -> None:
        real(stage, jobs[:shards], *more)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(augment, "run_jobs", cut)
        with pytest.raises(KeyboardInterrupt):
            make_faces(root, count, 1, options, **settings)


def test_the_first_faces_are_of_use_before_the_last(tmp_path: Path) -> None:
    generator_workspace(tmp_path)
    killed(tmp_path, 32, 1, Options(), mode="edit")
    assert len(load_synthetic(tmp_path)) == 24
    record = synthetic_record(tmp_path)
    assert record["subjects"] == [f"folder/S{k}" for k in range(4)]
    assert "images" not in record
    assert augment_command(tmp_path, {"generator": "exprgan", "n": 32}).endswith(
        "--set augment.shard_size=24"
    )
    assert make_faces(tmp_path, 32, mode="edit").made == 8
    done = synthetic_record(tmp_path)
    assert (done["images"], done["hashes"]) == (32, record["hashes"])
    killed(tmp_path, 60, 0, Options(), mode="edit")
    assert synthetic_record(tmp_path) == done  # it is true of those that are there


def test_without_a_record_the_error_finishes_what_is_there(tmp_path: Path) -> None:
    generator_workspace(tmp_path)
    make_faces(tmp_path, 16, mode="edit")
    whole, config = synthetic_record(tmp_path), configured(tmp_path)
    faces = load_faces(tmp_path, config.classify)
    for left in (None, "null", "{"):
        (tmp_path / RECORD).unlink()
        if left is not None:
            (tmp_path / RECORD).write_text(left)
        with pytest.raises(ManifestError, match="augment was not finished") as caught:
            find_synthetic(config, None, 8, faces)
        assert spell(caught.value.hint) == augment_command(
            tmp_path, {"generator": "exprgan", "n": 16}
        )
        assert "--mode edit" in spell(caught.value.hint)
        assert make_faces(tmp_path, 16, mode="edit").made == 0
        assert synthetic_record(tmp_path) == whole
    with pytest.raises(UsageError, match="has no synthetic faces of exprgan-fold02"):
        synthetic_record(tmp_path, "exprgan-fold02")


def test_a_record_of_the_faces_before_says_nothing_of_those_that_replaced_them(
    tmp_path: Path,
) -> None:
    generator_workspace(tmp_path)
    make_faces(tmp_path, 16)
    old = synthetic_record(tmp_path)
    killed(tmp_path, 16, 0, Options(overwrite=True), mode="edit")
    assert synthetic_record(tmp_path) == old
    killed(tmp_path, 16, 1, Options(overwrite=True), mode="edit")
    with pytest.raises(FaceprepError, match="augment was not finished"):
        synthetic_record(tmp_path)
    config = augment_config(tmp_path, mode="edit")
    again = augment.run_augment(config, 16, Options(), Progress(quiet=True))
    assert (again.made, synthetic_record(tmp_path)["settings"]["mode"]) == (0, "edit")
