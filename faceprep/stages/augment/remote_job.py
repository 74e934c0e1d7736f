"""``augment`` on another machine: what a task of a cluster is told beyond the configuration."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.options import Options

if TYPE_CHECKING:
    from faceprep.stages.augment.quality_filter import QualityFilter


@dataclass(frozen=True)
class AugmentErrand:
    """Makes shards of a set that a command asked for.

    Attributes
    ----------
    count, device
        As of `faceprep.stages.augment.run.run_augment`.
    input_hash
        Of generator and sources at that command.
    quality
        Trained there.
    """

    count: int
    device: str
    input_hash: str
    quality: "QualityFilter | None"

    def __call__(self, config: Config, options: Options, progress: Progress) -> dict[int, str]:
        """Make the shards of `Options.only`; return why some could not be made.

        Raises
        ------
        MissingToolError
            There is no GPU, and there should be one.
        FaceprepError
            As `faceprep.stages.augment.run.run_augment`.
        """
        from faceprep.core.device import choose_device
        from faceprep.stages.augment.run import run_augment

        device = choose_device(self.device)
        return run_augment(config, self.count, options, progress, device, self).failed
