"""Data that a cluster task needs, besides the configuration, to make synthetic faces."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path

from faceprep.core.files import write_json
from faceprep.stages.augment.quality_filter import QualityFilter

_FILE = "request.json"
_FILTER = "quality_filter.pickle"


@dataclass(frozen=True)
class RemoteAugment:
    """Job on another machine that makes shards of a set of synthetic faces.

    Attributes
    ----------
    count, device
        As for `faceprep.stages.augment.run.run_augment`.
    input_hash
        Hash of generator and sources at submission.
    quality
        Filter trained at submission.
    """

    count: int
    device: str
    input_hash: str
    quality: QualityFilter | None

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
