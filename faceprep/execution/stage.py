"""The interface of a stage, which computes rows and images from the rows of a shard."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faceprep.config import Config
from faceprep.core.errors import Again
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import Row

_SECONDS_BETWEEN_TICKS = 0.3
_BYTES_PER_ROW = 600  # of a manifest, about


@dataclass
class ShardOutput:
    """Destination of the images and the progress of one shard."""

    images: Path  # folder for PNG files, moved into place when the shard is complete
    prefix: str  # final path of that folder, relative to the stage's folder
    progress: Path | None = None  # file with the number of faces done, read by the progress display
    _done: int = field(default=0, repr=False)
    _ticked: float = field(default=0.0, repr=False)

    def relative(self, filename: str) -> str:
        """Return the path of a file of `images` for the manifest."""
        return f"{self.prefix}/{filename}"

    def scratch(self) -> Path:
        """Make an empty folder beside `images`, removed with the shard's temporary files."""
        folder = self.images.parent / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    def advance(self, faces: int = 1) -> None:
        """Add to the number of faces done."""
        self._done += faces
        now = time.monotonic()
        if self.progress is not None and now - self._ticked > _SECONDS_BETWEEN_TICKS:
            self._ticked = now
            self.progress.write_text(str(self._done))


class ShardedStage(ABC):
    """Interface, for engines, of a step whose output is made in shards.

    Attributes
    ----------
    name
        Name of its folder in the workspace.
    version
        Incremented when a change of code affects the output; shards of older versions are redone.
    seconds_per_face
        Typical time on one core, which determines the number of shards per cluster task until
        measured times exist.
    """

    name: str
    version: int = 1
    seconds_per_face: float = 0.02

    @abstractmethod
    def settings(self, config: Config) -> dict[str, Any]:
        """Return all settings that change this stage's output."""

    @abstractmethod
    def faces(self, workspace: Workspace, shard: int) -> int:
        """Return the number of faces of a shard."""


class Stage(ShardedStage):
    """One step of the pipeline, whose name is in `faceprep.config.STAGES`.

    Attributes
    ----------
    upstream
        Stages whose rows it reads; row *k* of shard *i* depends on their rows *k* of shards *i*.
    image_bytes
        Typical file size per face, for the disk estimate; 0 without files.
    """

    upstream: tuple[str, ...]
    image_bytes: int = 0

    @property
    def bytes_per_face(self) -> int:
        """Typical size of a face on disk, including its row."""
        return self.image_bytes + _BYTES_PER_ROW

    def settings(self, config: Config) -> dict[str, Any]:
        """Return all settings that change this stage's output."""
        return dict(getattr(config, self.name).settings())

    def remarks(self, config: Config) -> dict[str, str]:
        """Return how settings were chosen, by their names, for ``stage.json``."""
        return {}

    def without_remarks(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of a finished shard without remarks of earlier versions."""
        return dict(settings)

    def check(self, config: Config) -> None:
        """Raise `MissingToolError` if a required package or weight file is missing."""
        return

    def faces(self, workspace: Workspace, shard: int) -> int:
        """Return the number of faces of a shard; 1 while it is unknown."""
        marker = workspace.marker("select", shard)
        return marker.rows if marker else 1

    def findings(self, workspace: Workspace, config: Config) -> dict[str, Any]:
        """Return what the user should know about the finished rows, JSON-ready."""
        return {}

    def remedy(self, config: Config, status: Mapping[str, int]) -> Again | None:
        """Return what may help if most faces failed, given their counts by status."""
        return None

    @abstractmethod
    def process(
        self,
        inputs: Mapping[str, Sequence[Row]],
        todo: Sequence[int],
        config: Config,
        out: ShardOutput,
    ) -> list[Row]:
        """Compute the rows of one shard.

        Parameters
        ----------
        inputs
            Stage name → all rows of the shard, in the same order for every stage.
        todo
            Indices of the rows to compute; the others are kept from an earlier run.

        Returns
        -------
        One row per element of ``todo``, in that order. A failed face is a row with a status and a
        reason; an exception means that the whole shard failed.
        """


def image_name(face_id: str) -> str:
    """Return the file name of a face's image: its id with ``__`` for every ``/``."""
    return face_id.replace("/", "__") + ".png"
