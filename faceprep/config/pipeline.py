"""What ``pipelines/*.toml`` may say. Every default of the project stands here, once.

Those of a section in a file of its own stand there: `faceprep.config.augment`,
`faceprep.config.classify`.

`faceprep.config.sources` merges files, the environment and flags into one `Config`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from faceprep.config.augment import AugmentConfig
from faceprep.config.classify import ClassifyConfig
from faceprep.config.section import LOCATION, Expressions, Section, impossible, number, plain
from faceprep.core.errors import UsageError

#: Stages in the order in which they run.
STAGES = ("select", "align", "heatmaps", "aus")

Dataset = Literal["oulu-casia", "ck-plus", "celeba", "folder"]


class DemoConfig(Section):
    """The dataset that the package renders itself."""

    layout: Literal["oulu-casia", "ck-plus", "celeba"] = "oulu-casia"
    subjects: int = Field(40, ge=1, le=2000)
    frames: int = Field(9, ge=4, le=200, description="frames of a sequence, neutral to peak")
    size: int = Field(320, ge=160, le=1024, description="height of a photograph, pixels")
    difficulty: float = Field(0.5, ge=0, le=1)
    seed: int = Field(0, ge=0)


class SelectConfig(Section):
    """Which frames, whose face, which expression, which split."""

    dataset: Dataset | None = None
    root: Path | None = Field(None, json_schema_extra=LOCATION)
    table: Path | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="folder: CSV or Parquet with image, expression[, subject, sequence, …]",
    )
    split: Literal["official", "180k-20k", "random"] = "official"
    test_fraction: float = Field(0.2, ge=0, lt=1, description="of the subjects, where random")
    val_fraction: float = Field(0.0, ge=0, lt=1, description="of the subjects, where random")
    folds: int = Field(10, ge=2, le=127)
    peak_frames: int = Field(3, ge=1, description="last frames of a sequence taken as peak")
    neutral_frames: int | None = Field(
        None, ge=0, description="first frames taken as neutral; dataset's custom when none"
    )
    unlabelled: bool = Field(False, description="keep frames without an expression")
    seed: int = Field(0, ge=0, description="of random splits")
    limit: int | None = Field(None, ge=1, description="only the first frames, for trying")


class AlignConfig(Section):
    """Face → 5 and 68 landmarks → similarity → crop."""

    detector: Literal["mtcnn", "dlib", "given"] = "mtcnn"
    dlib_model: Literal["hog", "cnn"] = "hog"
    choose: Literal["largest", "central"] = "largest"
    search: Literal["large-first", "full"] = Field(
        "large-first",
        description="MTCNN: stop once a large face is found, or count faces of every size"
        " (choose = central always does)",
    )
    min_face_size: int = Field(20, ge=12, description="MTCNN: smallest face looked for, pixels")
    min_confidence: float = Field(0.0, description="below it a face is low_confidence")
    template: Literal["expression", "arcface", "dlib", "ffhq"] = "expression"
    size: int = Field(128, ge=32, le=1024, description="side of the crop, pixels")
    max_pixels: int = Field(
        100_000_000, ge=1, description="larger images are reported, not decoded (memory)"
    )


class HeatmapsConfig(Section):
    """68 landmarks → Gaussians, peak 1."""

    sigma: float = Field(2.0, gt=0, description="pixels of the crop at 128; scales with its size")
    # Flags and variables are text, which a literal number does not accept by itself.
    channels: Annotated[Literal[1, 68], BeforeValidator(number)] = Field(
        1, description="1: the maximum over the points, one PNG a face; 68: one plane a point"
    )


class AusConfig(Section):
    """Face → 17 Action Unit intensities and 18 presences."""

    backend: Literal["auto", "openface", "openface-models", "openface-csv", "landmarks"] = "auto"
    input: Literal["source", "crop"] = Field(
        "source",
        description="openface, openface-models: the photograph with the landmarks of align (what"
        " OpenFace's users get), or the crop that networks see",
    )
    sequences: Literal["dynamic", "static"] = Field(
        "dynamic",
        description="openface, openface-models: whole sequences with the person's median, as"
        " FeatureExtraction does, or every frame alone, as FaceLandmarkImg does",
    )
    landmarks: Literal["refined", "align", "csv"] = Field(
        "refined",
        description="openface-models: the points of align moved to where OpenFace's detector puts"
        " them; as they are; or those in the CSV files of aus.openface_csv",
    )
    openface_bin: str | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="openface: folder of the programs, one of them, or a command line with {tool}"
        " and {folder} (docker run -v {folder}:{folder} IMAGE {tool}); also FACEPREP_OPENFACE",
    )
    openface_flags: str = Field("", description="openface: more flags for its command line")
    openface_timeout: float = Field(
        60.0, gt=0, json_schema_extra=LOCATION, description="openface: seconds a picture may take"
    )
    openface_models: Path | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="openface-models: your copy of OpenFace's AU_predictors folder",
    )
    openface_csv: Path | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="openface-csv: folder (or file) of CSV files that OpenFace wrote",
    )

    @property
    def whole_sequences(self) -> bool:
        """Whether frames are judged by their sequence; crops exist of selected frames only."""
        return self.sequences == "dynamic" and self.input == "source"


_Switch = Annotated[bool | int | float | str | list[Any], BeforeValidator(plain)]


class TrainConfig(Section):
    """Faces with their expressions → a generator. What is None is the preset's own."""

    generator: Literal["exprgan"] = "exprgan"
    preset: Literal["modern", "paper", "tiny"] = Field(
        "modern", description="tiny: minutes on two CPU cores; paper: the paper's own recipe"
    )
    size: Annotated[Literal[32, 64, 128] | None, BeforeValidator(number)] = Field(
        None, description="side of the images, pixels"
    )
    classes: Expressions | None = Field(
        None, description="expressions in their order; those of the training rows when none"
    )
    neutral: bool | None = Field(
        None, description="neutral is a class too, where classes is none; not so in paper"
    )
    steps: int | None = Field(None, ge=1, description="all stages together")
    epochs: int | None = Field(None, ge=1, description="all stages together, in place of steps")
    batch: int | None = Field(None, ge=2, le=4096)
    learning_rate: float | None = Field(None, gt=0, le=1)
    features: str | None = Field(
        None,
        description="face features: dlib's network when none; or a weight file of it, of VGG-Face,"
        " of VGG-16 or of VGG-19",
    )
    weights: dict[str, float] = Field(
        {}, description="train.weights.NAME=…: of one loss, in every stage"
    )
    networks: dict[str, _Switch] = Field(
        {}, description="train.networks.NAME=…: a switch of the networks, e.g. max_flow=0"
    )
    recipe: dict[str, _Switch] = Field(
        {}, description="train.recipe.NAME=…: a switch of the training, e.g. augment=false"
    )
    fold: int | None = Field(
        None,
        ge=0,
        le=126,
        description="leave the people of this fold out (select's column), whatever the split says;"
        " the generator goes to train/<generator>-foldNN",
    )
    calibrate: int = Field(
        64, ge=0, description="training faces on which the intensity is evened out at the end"
    )
    seed: int = Field(0, ge=0, lt=2**31)
    compile: bool = Field(
        True, json_schema_extra=LOCATION, description="compile the networks on a GPU"
    )
    checkpoint_every: int = Field(500, ge=1, json_schema_extra=LOCATION, description="steps")
    sample_every: int = Field(500, ge=1, json_schema_extra=LOCATION, description="steps")

    @model_validator(mode="after")
    def _one_length(self) -> "TrainConfig":
        if self.steps is not None and self.epochs is not None:
            words = "steps and epochs are both set"
            raise impossible("epochs", words, "--set train.epochs=none")
        return self


def _words(value: Any) -> Any:
    """One line where a list of lines is expected."""
    return (value,) if isinstance(value, str) else value


_Lines = Annotated[tuple[str, ...], BeforeValidator(_words)]


class SlurmJobConfig(Section):
    """What one Slurm task asks for."""

    partition: str | None = Field(None, description="the cluster's default when none")
    time: int = Field(120, ge=1, description="limit, minutes")
    mem: str = Field("4G", pattern=r"^\d+[KMGT]?$")
    cpus: int = Field(1, ge=1, description="shards of a task made at once; threads of a training")
    gpus: int = Field(0, ge=0)


class SlurmTrainConfig(SlurmJobConfig):
    """The one job of ``train``; it is queued again before its time limit until it is done."""

    time: int = Field(240, ge=1, description="limit of one turn, minutes")
    mem: str = Field("16G", pattern=r"^\d+[KMGT]?$")
    cpus: int = Field(4, ge=1, description="threads; others may change the last digits on a CPU")
    gpus: int = Field(1, ge=0)
    signal_seconds: int = Field(
        120, ge=10, le=65535, description="SIGUSR1 so long before the limit: save and queue again"
    )


class SlurmClassifyConfig(SlurmTrainConfig):
    """The one job of ``classify``; between two turns it keeps the trainings that are done."""

    cpus: int = Field(4, ge=1, description="trainings at once; with a GPU one, unless -j says more")


class SlurmAugmentConfig(Section):
    """What a task of ``augment`` asks for, where it is not what every task asks for."""

    partition: str | None = None
    time: int | None = Field(None, ge=1, description="limit, minutes")
    mem: str | None = Field(None, pattern=r"^\d+[KMGT]?$")
    cpus: int | None = Field(None, ge=1, description="shards at once; on a GPU: writers of PNG")
    gpus: int | None = Field(None, ge=0, description="0: faces are computed on the CPU")


class SlurmConfig(SlurmJobConfig):
    """``--engine slurm``: arrays over shards. None of it changes what comes out."""

    account: str | None = None
    qos: str | None = None
    array_parallel: int = Field(64, ge=1, description="tasks that run at once (%N of the arrays)")
    task_minutes: float = Field(
        15, gt=0, le=1440, description="aim for one task; it gets as many shards as take so long"
    )
    sbatch: _Lines = Field((), description='more flags: ["--constraint=avx2", "--exclusive"]')
    setup: _Lines = Field((), description='shell lines before: ["module load cuda"]')
    python: str | None = Field(
        None, description="command in place of this Python: apptainer exec faceprep.sif python"
    )
    poll_seconds: float = Field(10, gt=0, le=600, description="between two looks at the queue")
    train: SlurmTrainConfig = SlurmTrainConfig()
    augment: SlurmAugmentConfig = SlurmAugmentConfig()
    classify: SlurmClassifyConfig = SlurmClassifyConfig()

    def task(self, stage: str) -> SlurmJobConfig:
        """Return what a task of an array asks for; `stage` as its folder is called."""
        values = {name: getattr(self, name) for name in SlurmJobConfig.model_fields}
        if stage.partition("/")[0] == "augment":
            values |= self.augment.model_dump(exclude_none=True)
        return SlurmJobConfig.model_validate(values)


class DaskConfig(Section):
    """Where ``--engine dask`` finds its workers."""

    scheduler: str | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="tcp://HOST:8786, or the file of `dask scheduler --scheduler-file FILE.json`;"
        " none: workers on this machine",
    )
    allowed_failures: int = Field(
        5,
        ge=0,
        json_schema_extra=LOCATION,
        description="how often a shard's worker may be killed before the shard is given up",
    )
    timeout: float = Field(
        10.0, gt=0, json_schema_extra=LOCATION, description="seconds to find the scheduler"
    )


class Config(Section):
    """A pipeline: one dataset, one workspace, the stages' sections."""

    name: str = Field("custom", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    workspace: Path = Field(Path(), json_schema_extra=LOCATION)
    shard_size: int = Field(
        100, ge=1, le=1000, description="faces; 1000 for CelebA: fewer files for a large dataset"
    )
    workers: int = Field(0, ge=0, description="0: one per core", json_schema_extra=LOCATION)
    engine: Literal["local", "slurm", "dask"] = Field("local", json_schema_extra=LOCATION)
    device: Literal["auto", "cpu", "cuda"] = Field("auto", json_schema_extra=LOCATION)
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

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        """Name, dataset and workspace follow from one another where only one is given."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        select, demo = values.get("select") or {}, values.get("demo")
        if isinstance(demo, dict) and isinstance(select, dict) and not select.get("dataset"):
            layout = demo.get("layout") or DemoConfig.model_fields["layout"].default
            values["select"] = select = {**select, "dataset": layout}
        dataset = select.get("dataset") if isinstance(select, dict) else None
        if dataset == "celeba" and not values.get("shard_size"):
            values["shard_size"] = 1000
        if not values.get("name"):
            values["name"] = dataset if dataset in get_args(Dataset) else "custom"
        if not values.get("workspace"):
            values["workspace"] = Path("manifests") / str(values["name"])
        return values

    def dataset_root(self) -> Path:
        """Folder of the dataset.

        Raises
        ------
        UsageError
            When neither a root nor a demo section is set.
        """
        if self.select.root is not None:
            return self.select.root.expanduser()
        if self.demo is not None:
            return self.workspace / "dataset"
        raise UsageError(
            "no dataset folder is set (select.root)",
            f"add --root /path/to/{self.select.dataset or 'dataset'}",
        )
