"""All settings of a pipeline.

`faceprep.config.sources` merges files, the environment and flags into one `Config`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import Field, PrivateAttr, model_validator

from faceprep.config.classify import ClassifyConfig
from faceprep.config.cluster import DaskConfig, SlurmConfig
from faceprep.config.dataset import DemoConfig, SelectConfig
from faceprep.config.faces import AlignConfig, AusConfig, HeatmapsConfig
from faceprep.config.record import Record
from faceprep.config.section import LOCATION, NAME, Section
from faceprep.config.train import AugmentConfig, TrainConfig
from faceprep.core.errors import UsageError
from faceprep.core.vocabulary import Dataset, DeviceKind, EngineKind, meant


class Config(Section):
    """A pipeline: one dataset, one workspace, and the sections of the stages."""

    name: str = Field(
        "custom",
        pattern=NAME,
        description="name of the pipeline, from which the workspace gets its name",
    )
    workspace: Path = Field(
        Path(),
        json_schema_extra=LOCATION,
        description="folder of the results; manifests/NAME by default",
    )
    shard_size: int = Field(
        100,
        ge=1,
        le=1000,
        description="faces per shard; 1000 for CelebA: fewer files for a large dataset",
    )
    workers: int = Field(
        0, ge=0, json_schema_extra=LOCATION, description="processes; 0: one per core"
    )
    engine: EngineKind = Field(
        "local",
        json_schema_extra=LOCATION,
        description="what runs the workers: processes on this machine, Slurm jobs, or a Dask"
        " cluster",
    )
    device: DeviceKind = Field(
        "auto", json_schema_extra=LOCATION, description="auto: a GPU if there is one"
    )
    dask: DaskConfig = Field(DaskConfig(), json_schema_extra=LOCATION)
    demo: DemoConfig | None = None
    select: SelectConfig = SelectConfig()
    align: AlignConfig = AlignConfig()
    heatmaps: HeatmapsConfig = HeatmapsConfig()
    aus: AusConfig = AusConfig()
    train: TrainConfig = TrainConfig()
    classify: ClassifyConfig = ClassifyConfig()
    augment: AugmentConfig = AugmentConfig()
    slurm: SlurmConfig = Field(SlurmConfig(), json_schema_extra=LOCATION)
    #: Settings that were given; None for a configuration that no command resolved, which a
    #: workspace does not remember.
    _given: Record | None = PrivateAttr(None)

    @property
    def given(self) -> Record | None:
        """Settings that were given, and are to be remembered by the workspace."""
        return self._given

    def with_given(self, record: Record) -> "Config":
        """Return the same configuration with the settings that were given."""
        copy = self.model_copy()
        copy._given = record
        return copy

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        """Derive missing values of name, dataset and workspace from the others."""
        return fill_in(values) if isinstance(values, dict) else values

    def dataset_source(self) -> Path:
        """Return what the reader of the dataset reads: its folder, or tables with images.

        Raises
        ------
        UsageError
            Neither a root nor a demo section is set.
        """
        if self.select.root is not None:
            return self.select.root.expanduser()
        return self.dataset_root()

    def dataset_root(self) -> Path:
        """Return the folder of the images: the root, or that of images from tables or the demo.

        Raises
        ------
        UsageError
            Neither a root nor a demo section is set.
        """
        if self.select.dataset == "table" and self.select.root is not None:
            return self.workspace / "dataset"
        if self.select.root is not None:
            return self.select.root.expanduser()
        if self.demo is not None:
            return self.workspace / "dataset"
        raise UsageError(
            "no dataset folder is set (select.root)",
            "name it with --root (select.root)",
        )


def fill_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with name, dataset and workspace, derived from the others if missing."""
    values = dict(values)
    select, demo = values.get("select") or {}, values.get("demo")
    if isinstance(demo, dict) and isinstance(select, dict) and not select.get("dataset"):
        layout = demo.get("layout") or DemoConfig.model_fields["layout"].default
        values["select"] = select = {**select, "dataset": layout}
    dataset = select.get("dataset") if isinstance(select, dict) else None
    if isinstance(dataset, str):
        dataset = meant(dataset, get_args(Dataset)) or dataset
    if dataset == "celeba" and not values.get("shard_size"):
        values["shard_size"] = 1000
    if not values.get("name"):
        values["name"] = dataset if dataset in get_args(Dataset) else "custom"
    if not values.get("workspace"):
        values["workspace"] = Path("manifests") / str(values["name"])
    return values
