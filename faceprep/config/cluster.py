"""Settings of ``[slurm]`` and ``[dask]``."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from faceprep.config.section import LOCATION, Section


def _words(value: Any) -> Any:
    """Convert one line to a list of lines."""
    return (value,) if isinstance(value, str) else value


_Lines = Annotated[tuple[str, ...], BeforeValidator(_words)]


class SlurmJobConfig(Section):
    """Resources of one Slurm task."""

    partition: str | None = Field(None, description="partition; none: the cluster's default")
    time: int = Field(120, ge=1, description="time limit, minutes")
    mem: str = Field("4G", pattern=r"^\d+[KMGT]?$", description="memory, as 4G")
    cpus: int = Field(1, ge=1, description="CPU cores; a task makes as many shards at once")
    gpus: int = Field(0, ge=0, description="number of GPUs")


class SlurmTrainConfig(SlurmJobConfig):
    """The job of ``train``, which is requeued before its time limit until it is done."""

    time: int = Field(
        240,
        ge=1,
        description="time limit of one turn, minutes; an unfinished training queues itself again",
    )
    mem: str = Field("16G", pattern=r"^\d+[KMGT]?$", description="memory, as 16G")
    cpus: int = Field(
        4,
        ge=1,
        description="CPU cores, which are threads; another number may change the last digits on a"
        " CPU",
    )
    gpus: int = Field(1, ge=0, description="number of GPUs")
    signal_seconds: int = Field(
        120,
        ge=10,
        le=65535,
        description="seconds before the time limit at which everything is saved and the job queues"
        " itself again",
    )


class SlurmClassifyConfig(SlurmTrainConfig):
    """The job of ``classify``; finished trainings are kept when it is requeued."""

    cpus: int = Field(
        4,
        ge=1,
        description="CPU cores, which are trainings at once; with a GPU one training, unless -j"
        " says more",
    )


class SlurmAugmentConfig(Section):
    """Resources of a task of ``augment``; None selects those of all tasks."""

    partition: str | None = Field(None, description="partition; none: as slurm.partition")
    time: int | None = Field(None, ge=1, description="time limit, minutes; none: as slurm.time")
    mem: str | None = Field(
        None, pattern=r"^\d+[KMGT]?$", description="memory, as 4G; none: as slurm.mem"
    )
    cpus: int | None = Field(
        None,
        ge=1,
        description="CPU cores, which are shards at once, or on a GPU writers of images; none: as"
        " slurm.cpus",
    )
    gpus: int | None = Field(
        None,
        ge=0,
        description="number of GPUs; 0: faces are computed on the CPU; none: as slurm.gpus",
    )


class SlurmConfig(SlurmJobConfig):
    """``--engine slurm``: arrays over shards. No setting changes the output."""

    account: str | None = Field(None, description="account to charge; none: your default")
    qos: str | None = Field(None, description="quality of service; none: your default")
    array_parallel: int = Field(64, ge=1, description="tasks that run at once (%N of the arrays)")
    task_minutes: float = Field(
        15,
        gt=0,
        le=1440,
        description="intended minutes of one task, which gets as many shards as take so long",
    )
    sbatch: _Lines = Field(
        (), description='more flags of sbatch: ["--constraint=avx2", "--exclusive"]'
    )
    setup: _Lines = Field((), description='shell lines before the work: ["module load cuda"]')
    python: str | None = Field(
        None, description="command in place of this Python: apptainer exec faceprep.sif python"
    )
    poll_seconds: float = Field(
        10, gt=0, le=600, description="seconds between two looks at the queue"
    )
    train: SlurmTrainConfig = SlurmTrainConfig()
    augment: SlurmAugmentConfig = SlurmAugmentConfig()
    classify: SlurmClassifyConfig = SlurmClassifyConfig()

    def task(self, stage: str) -> SlurmJobConfig:
        """Return the resources of a task of an array, given the folder of its stage."""
        values = {name: getattr(self, name) for name in SlurmJobConfig.model_fields}
        if stage.partition("/")[0] == "augment":
            values |= self.augment.model_dump(exclude_none=True)
        return SlurmJobConfig.model_validate(values)


class DaskConfig(Section):
    """Workers of ``--engine dask``."""

    scheduler: str | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="address tcp://HOST:8786, or the file of `dask scheduler --scheduler-file"
        " FILE.json`; none: workers on this machine",
    )
    allowed_failures: int = Field(
        5,
        ge=0,
        json_schema_extra=LOCATION,
        description="number of times a shard's worker may be killed before the shard counts as"
        " failed",
    )
    timeout: float = Field(
        10.0, gt=0, json_schema_extra=LOCATION, description="seconds to find the scheduler"
    )
