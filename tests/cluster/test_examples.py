"""The files in ``pipelines/cluster``, for schedulers that faceprep does not know."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.execution.runner import run_stage
from faceprep.stages import load_stage

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "pipelines" / "cluster"


def bash(name: str, *words: object, path: Path, **variables: str) -> list[str]:
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", **variables}
    done = subprocess.run(
        ["bash", EXAMPLES / name, *map(str, words)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """Folder of a `faceprep` that says how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "faceprep").write_text('#!/bin/sh\necho "$@"\nexit "${CODE:-3}"\n')
    (folder / "faceprep").chmod(0o755)
    return folder


def test_a_task_of_each_scheduler_makes_its_part(said: Path, tmp_path: Path) -> None:
    wanted = ["align -c celeba.toml --only --shard 3/16 -j 2"]
    slurm = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_CPUS_PER_TASK": "2"}
    assert bash("shards.sbatch", "align", "celeba.toml", path=said, **slurm) == wanted
    pbs = {"PBS_ARRAY_INDEX": "3", "PBS_O_WORKDIR": str(tmp_path)}
    names = {"STAGE": "align", "CONFIG": "celeba.toml"}
    assert bash("shards.pbs", path=said, **pbs, **names) == wanted


def test_a_part_that_could_not_be_made_fails_its_task(said: Path) -> None:
    slurm = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_CPUS_PER_TASK": "2", "CODE": "1"}
    with pytest.raises(subprocess.CalledProcessError):
        bash("shards.sbatch", "align", "celeba.toml", path=said, **slurm)


def test_their_arrays_are_as_long_as_the_parts_are_many() -> None:
    assert "#SBATCH --array=1-16" in (EXAMPLES / "shards.sbatch").read_text()
    assert "#PBS -J 1-16" in (EXAMPLES / "shards.pbs").read_text()
    for name in ("shards.sbatch", "shards.pbs"):
        assert "/16" in (EXAMPLES / name).read_text()


def test_xargs_makes_every_part_once(said: Path) -> None:
    lines = bash("shards.sh", "align", "c.toml", 5, path=said)
    assert sorted(lines) == [f"align -c c.toml --only --shard {k}/5 -j 1" for k in range(1, 6)]
    printed = bash("shards.sh", "align", "c.toml", 5, "print", path=said)
    assert sorted(printed) == sorted(f"faceprep {line}" for line in lines)


def test_a_path_with_a_space_goes_through_xargs_and_a_shell(said: Path, tmp_path: Path) -> None:
    config = tmp_path / "my 'own' faces $x.toml"
    wanted = [f"align -c {config} --only --shard {k}/2 -j 1" for k in (1, 2)]
    assert sorted(bash("shards.sh", "align", config, 2, path=said)) == wanted
    printed = bash("shards.sh", "align", config, 2, "print", path=said)
    assert [shlex.split(line)[3] for line in printed] == [str(config)] * 2


def test_parts_made_by_xargs_are_the_bytes_of_one_run(aligned_workspace, tmp_path: Path) -> None:
    whole, parts = (aligned_workspace(faces=30, shard_size=10, name=name) for name in "ab")
    config = Config.model_validate({"workspace": whole.root, "workers": 1})
    run_stage(load_stage("heatmaps"), config, Options(), Progress(quiet=True))
    file = tmp_path / "c.toml"
    file.write_text(f'name = "custom"\nworkspace = "{parts.root}"\n')
    bash("shards.sh", "heatmaps", file, 2, path=Path(sys.executable).parent)
    for path in sorted(whole.folder("heatmaps").rglob("*")):
        other = parts.root / path.relative_to(whole.root)
        if path.is_file() and not path.name.startswith("part-0000") and path.name != "stage.json":
            assert path.read_bytes() == other.read_bytes(), path
        if path.suffix == ".parquet":
            assert path.read_bytes() == other.read_bytes(), path
