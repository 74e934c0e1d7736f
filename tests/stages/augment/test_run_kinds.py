"""Synthetic faces of the kinds driven by measurements: the same bytes on every way to them."""

from pathlib import Path
from typing import Any

import builders.action_units
import builders.landmarks
import numpy as np
import pytest
import torch
from builders.augment import all_files, pictures
from builders.training import LABELS, toy_workspace

from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.generators.store import save_generator
from faceprep.stages.augment import run as augment
from faceprep.workspace.synthetic import load_synthetic

COUNT, SHARD = 30, 12


def prepare(root: Path, kind: str) -> None:
    """Write a measured workspace, and a generator whose edits show what was requested."""
    toy_workspace(root, measured=True)
    if kind == "landmark-gan":
        model: Any = builders.landmarks.networks(classes=LABELS)
    else:
        model = builders.action_units.networks(kind, classes=LABELS, residual_gain=5.0)
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(0.1 * torch.randn(weights.shape, generator=random))
    rng = np.random.default_rng(0)
    shapes = {"action_units": (4, 17), "landmarks": (4, 68, 2)}
    scale = {"action_units": 5.0, "landmarks": 0.1}
    references = {
        name: {label: (scale[name] * rng.random(shape)).tolist() for label in LABELS}
        for name, shape in shapes.items()
    }
    folder = root / "train" / kind
    folder.mkdir(parents=True)
    save_generator(
        folder / "generator.safetensors",
        kind,
        model.eval(),
        model.config.to_json(),
        extra={"references": references},
    )


def make(root: Path, kind: str, count: int = COUNT, workers: int = 1, **options: Any) -> Any:
    config = Config.model_validate(
        {
            "workspace": str(root),
            "workers": workers,
            "device": "cpu",
            "train": {"generator": kind},
            "augment": {"shard_size": SHARD, "mode": "edit"},
        }
    )
    return augment.run_augment(config, count, Options(**options), Progress(quiet=True))


@pytest.fixture(scope="module", params=["defgan", "ganimation", "landmark-gan"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with faces made in one go, in a folder named by the kind; to be read only."""
    root = tmp_path_factory.mktemp("made") / request.param
    prepare(root, request.param)
    make(root, request.param)
    return root


def test_rows_say_what_the_pictures_are(made: Path) -> None:
    faces = load_synthetic(made, made.name)
    assert len(faces) == len(set(faces["crop_sha256"])) == COUNT
    assert faces["expression"].tolist() == [LABELS[k % 4] for k in range(COUNT)]
    assert {name.split("/")[1] for name in faces["source_face_id"]} == {"S0", "S1", "S2", "S3"}
    driven = made.name in builders.action_units.KINDS
    assert {len(code) for code in faces["code"]} == {17 if driven else 0}


@pytest.mark.parametrize("way", ["workers", "shards", "steps", "killed"])
def test_every_way_gives_the_same_bytes(
    way: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, root = made.name, tmp_path / made.name
    prepare(root, kind)
    if way == "shards":
        for part in (2, 1):
            make(root, kind, shard=(part, 2))
    if way == "steps":
        make(root, kind, 7)
        few = load_synthetic(root, kind, n=7)["crop_sha256"].tolist()
        assert few == load_synthetic(made, kind, n=7)["crop_sha256"].tolist()
    if way == "killed":
        real = augment.run_jobs

        def cut(stage: str, jobs: list[Any], *more: Any) -> None:
            real(stage, jobs[:1], *more)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(augment, "run_jobs", cut)
            with pytest.raises(KeyboardInterrupt):
                make(root, kind)
        assert len(load_synthetic(root, kind)) == SHARD
    make(root, kind, workers=2 if way == "workers" else 1)
    assert all_files(root) == all_files(made)
    assert len(pictures(root, kind)) == COUNT
