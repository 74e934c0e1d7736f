"""The trained generator of a workspace, and how to replace a damaged one."""

from pathlib import Path

import pytest
from builders.exprgan import smallest

from faceprep.cli.remedies import spell
from faceprep.core.errors import FaceprepError
from faceprep.generators.exprgan import build
from faceprep.generators.store import load_trained, read_trained, save_generator
from faceprep.training.checkpoint_format import DamagedCheckpoint
from faceprep.workspace.artifacts import generator_file


def saved(workspace: Path) -> Path:
    config = smallest()
    path = generator_file(workspace)
    path.parent.mkdir(parents=True)
    save_generator(path, "exprgan", build(config, seed=0), config.to_json())
    return path


def test_a_damaged_file_suggests_the_training_of_its_own_workspace(tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert load_trained(tmp_path)[0].kind == read_trained(tmp_path, whole=True).kind == "exprgan"
    damaged = bytearray(path.read_bytes())
    damaged[-5] ^= 1
    path.write_bytes(damaged)
    read_trained(tmp_path)  # the header alone is still good
    with pytest.raises(DamagedCheckpoint, match="SHA-256") as caught:
        read_trained(tmp_path, whole=True)
    assert spell(caught.value.hint) == f"faceprep train --workspace {tmp_path} --overwrite"


def test_a_file_of_a_later_version_keeps_its_own_hint(tmp_path: Path) -> None:
    path = saved(tmp_path)
    later = path.read_bytes().replace(b'\\"format\\": 1', b'\\"format\\": 9')
    path.write_bytes(later)
    with pytest.raises(FaceprepError, match="this version reads 1") as caught:
        load_trained(tmp_path)
    assert caught.value.hint == "update faceprep"
