"""Which verbs take which engine, from the command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.config import Config
from faceprep.stages.augment.result import AugmentResult


@pytest.mark.parametrize("verb", [["train"], ["classify", "--sweep", "0"]])
@pytest.mark.parametrize("flags", [["--engine", "dask"], ["--set", "dask.scheduler=tcp://x:1"]])
@pytest.mark.parametrize("more", [["--only"], ["--dry-run"]])
def test_trainings_do_not_go_to_dask(
    verb: list[str], flags: list[str], more: list[str], tmp_path: Path
) -> None:
    done = CliRunner().invoke(app, [*verb, *more, "--workspace", str(tmp_path), *flags])
    assert done.exit_code == 2
    assert "trainings do not go to Dask workers" in done.stderr
    assert "--engine local" in done.stderr


def test_augment_takes_a_scheduler_as_the_stages_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Config] = []

    def run_augment(config: Config, n: int, options: object, progress: object) -> AugmentResult:
        seen.append(config)
        return AugmentResult(tmp_path, asked=n, shards=1, todo=[], device="cpu", jobs=["1"])

    monkeypatch.setattr("faceprep.stages.augment.run.run_augment", run_augment)
    words = ["augment", "--n", "8", "--workspace", str(tmp_path), "--scheduler", "tcp://x:1"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stderr
    assert [(config.engine, config.dask.scheduler) for config in seen] == [("dask", "tcp://x:1")]
