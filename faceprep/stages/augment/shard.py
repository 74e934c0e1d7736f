"""Make one shard of synthetic faces, in the process of any engine.

On a CPU, a worker computes its shard while one of its threads writes the previous block. With a
GPU, one process computes, and workers write whole shards.
"""

import hashlib
import json
import pickle
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from faceprep.config import Config
from faceprep.core.files import write_json
from faceprep.core.images import write_png
from faceprep.execution.job import Job, Request
from faceprep.execution.shard import explain_os_error, one_thread, versions
from faceprep.execution.stage import ShardedStage, ShardOutput, image_name
from faceprep.workspace import Marker, Workspace
from faceprep.workspace.artifacts import generator_name
from faceprep.workspace.manifest import Row, table_from_rows
from faceprep.workspace.pending import PendingShard, pending_shard, wait_for_others
from faceprep.workspace.synthetic import stage_of

if TYPE_CHECKING:
    from faceprep.stages.augment.quality_filter import QualityFilter
    from faceprep.stages.augment.sampler import Sampler

#: Rows of a block, with their pixels ``(B, S, S, 3) uint8`` and the metadata of their PNG files.
Block: TypeAlias = tuple[Sequence[Row], np.ndarray, Sequence[Mapping[str, str]]]


class AugmentStage(ShardedStage):
    """Adapter of ``augment`` for engines: shards are independent and have no upstream stage."""

    version = 1
    seconds_per_face = 0.05

    def __init__(self, config: Config, device: str) -> None:
        self.name = stage_of(generator_name(config.train.generator, config.train.fold))
        self.device = device
        self._faces = config.augment.shard_size

    def faces(self, workspace: Workspace, shard: int) -> int:
        """Return the number of faces per shard; the last shard of a set may have fewer."""
        return self._faces

    def settings(self, config: Config) -> dict[str, Any]:
        """Return the settings that change the faces."""
        return {**config.augment.settings(), "fold": config.train.fold, "device": self.device}


@dataclass(frozen=True)
class AugmentJob(Job):
    """A shard to make."""

    #: Index of its first face, and requested number of faces.
    first: int = 0
    rows: int = 0
    #: Largest number of faces of a shard, which limits the blocks instead of `rows`.
    capacity: int = 0
    kept: int = 0  # number of existing faces with the same settings
    checkpoint: str = ""  # SHA-256 of the generator's file
    device: str = "cpu"  # device to compute on
    quality: "QualityFilter | None" = None  # filter that the faces must pass
    remote: Request | None = None  # data that a cluster task needs besides the configuration

    def is_done(self, workspace: Workspace) -> bool:
        """Return whether the shard has all requested faces."""
        marker = workspace.marker(self.stage.name, self.shard)
        return marker is not None and marker.rows >= self.rows and super().is_done(workspace)

    def request(self) -> Request | None:
        """Return the data that a cluster task needs besides the configuration."""
        return self.remote


def make_shard(job: AugmentJob) -> Marker:
    """Compute and write a shard; runs in a worker."""
    from threadpoolctl import threadpool_limits

    one_thread()
    with threadpool_limits(1):
        return write_shard(job, blocks(job, sampler_of(job)))


def blocks(job: AugmentJob, sampler: "Sampler") -> Iterator[Block]:
    """Yield blocks of the missing faces of a shard."""
    size = sampler.block
    for start in range(job.kept - job.kept % size, job.rows, size):
        rows, pixels = sampler.make(job.first + start, min(size, job.capacity - start))
        chosen = slice(max(job.kept - start, 0), min(job.rows - start, len(rows)))
        yield rows[chosen], pixels[chosen], [sampler.text(row) for row in rows[chosen]]


def write_shard(job: AugmentJob, made: Iterable[Block]) -> Marker:
    """Write the pictures of a shard as they are computed, and commit it.

    Raises `FaceprepError`: the workspace cannot be written.
    """
    workspace, name = Workspace(job.config.workspace), job.stage.name
    started = time.monotonic()
    if wait_for_others(workspace, name, job.shard) and job.is_done(workspace):
        return cast(Marker, workspace.marker(name, job.shard))
    try:
        with pending_shard(workspace, name, job.shard) as pending:
            rows = [*_keep(job, workspace, pending), *_write(job, pending, made)]
            return pending.commit(
                table_from_rows(name, rows),
                input_hash=job.input_hash,
                config_hash=job.config_hash,
                provenance={
                    "settings": job.stage.settings(job.config),
                    "checkpoint": job.checkpoint,
                    "versions": versions(),
                },
                seconds=round(time.monotonic() - started, 3),
            )
    except OSError as error:
        raise explain_os_error(error, workspace) from error


def _keep(job: AugmentJob, workspace: Workspace, pending: PendingShard) -> list[Row]:
    """Keep the existing rows and pictures of the shard."""
    if not job.kept:
        return []
    rows: list[Row] = workspace.read(job.stage.name, job.shard).to_pylist()
    for row in rows:
        pending.keep_image(PurePosixPath(row["crop"]).name)
    return rows


def _write(job: AugmentJob, pending: PendingShard, made: Iterable[Block]) -> list[Row]:
    prefix = pending.workspace.images_prefix(pending.stage, job.shard)
    out = ShardOutput(pending.images, prefix, pending.folder / "progress")
    rows: list[Row] = []
    writing: Future[list[Row]] | None = None
    with ThreadPoolExecutor(1) as writer:
        for block in made:
            if writing is not None:
                rows += writing.result()
            writing = writer.submit(_write_block, block, out)
        if writing is not None:
            rows += writing.result()
    return rows


def _write_block(block: Block, out: ShardOutput) -> list[Row]:
    rows = []
    for row, pixels, text in zip(*block, strict=True):
        name = image_name(row["face_id"])
        data = write_png(out.images / name, pixels, text)
        digest = hashlib.sha256(data).hexdigest()
        rows.append({**row, "crop": out.relative(name), "crop_sha256": digest})
    out.advance(len(rows))
    return rows


#: Sampler of this process, with the key that determines its faces.
_samplers: "dict[tuple[str, ...], Sampler]" = {}


def sampler_of(job: AugmentJob) -> "Sampler":
    """Return the sampler of this process, built for the first job of a run."""
    key = (str(job.config.workspace), job.stage.name, job.input_hash, job.config_hash, job.device)
    if key not in _samplers:
        from faceprep.stages.augment.sampler import Sampler

        _samplers.clear()
        _samplers[key] = Sampler(job.config, job.checkpoint, job.device, job.quality)
    return _samplers[key]


_FILE = "request.json"
_FILTER = "quality_filter.pickle"


@dataclass(frozen=True)
class RemoteAugment:
    """Job on another machine that makes shards of a set of synthetic faces."""

    #: As for `faceprep.stages.augment.run.run_augment`.
    count: int
    device: str
    input_hash: str  # hash of generator and sources at submission
    quality: "QualityFilter | None"  # filter trained at submission

    def write(self, folder: Path) -> None:
        """Write it into the folder of a job."""
        plain = {"count": self.count, "device": self.device, "input_hash": self.input_hash}
        write_json(folder / _FILE, plain)
        if self.quality is not None:  # a trained model, which has no other form
            (folder / _FILTER).write_bytes(pickle.dumps(self.quality))

    @classmethod
    def read(cls, folder: Path) -> "RemoteAugment":
        """Read it from the folder of a job."""
        plain, trained = json.loads((folder / _FILE).read_text()), folder / _FILTER
        quality = pickle.loads(trained.read_bytes()) if trained.exists() else None
        return cls(**plain, quality=quality)
