"""Resolve the setup, the faces and the cost of a training."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.config import Config
from faceprep.core.errors import Remedy, UsageError
from faceprep.core.vocabulary import choice_hint
from faceprep.generators.registry import spec_of
from faceprep.stages.train.faces import classes_of, collect_references, read_crops, with_drivers
from faceprep.training.checkpoint import read_checkpoint
from faceprep.training.initial_weights import InitialWeights, freeze, match_weights
from faceprep.training.trainer import TrainingData, TrainingSetup
from faceprep.workspace.artifacts import (
    RESUME,
    generator_folder,
    generator_name,
)
from faceprep.workspace.training_rows import training_rows

if TYPE_CHECKING:
    from faceprep.faces.features import FaceFeatures

#: Bytes per weight in training: weight, gradient, two moments of Adam, moving average.
_BYTES = 4 * 5


@dataclass(frozen=True)
class Plan:
    """Plan of a training."""

    #: Kind and preset of the generator, and output folder.
    generator: str
    preset: str
    folder: str
    size: int
    #: Expressions in order; number of training faces of each; number of subjects.
    classes: tuple[str, ...]
    faces: dict[str, int]
    people: int
    #: Steps of every phase by name, batch size, steps already done.
    steps: dict[str, int]
    batch: int
    done: int
    parameters: dict[str, int]  # number of parameters of every network
    memory: dict[str, int]  # bytes by use; ``activations`` is an estimate
    #: Device, and number of threads.
    device: str
    threads: int
    start: str = ""  # tensors of train.init_from, counted; empty without one
    frozen: int = 0  # number of parameters that are not trained


@dataclass(frozen=True)
class Prepared:
    """A training before its networks are built."""

    #: Resolved settings, and faces.
    setup: TrainingSetup
    data: TrainingData
    folder: Path  # folder of the generator
    #: Settings that a continuation must share, without those of the face features.
    facts: dict[str, Any]
    load_features: "Callable[..., FaceFeatures]"  # loader of the face features
    plan: Plan  # plan to print
    #: Additions to the ``extra`` of the generator's file.
    extra: dict[str, Any] = field(default_factory=dict)
    start: InitialWeights | None = None  # weights that the training starts from

    @property
    def subjects(self) -> list[str]:
        """Subjects of the training faces, sorted."""
        return sorted(set(self.data.crops.subjects))


def prepare(config: Config, device: str, threads: int) -> Prepared:
    """Resolve the settings and read the faces.

    Raises
    ------
    UsageError
        A setting is invalid, or there are no training faces.
    MissingToolError
        The weights of the face features are missing.
    FaceprepError
        A crop cannot be read.
    """
    train = config.train
    spec = spec_of(train.generator)
    if train.preset not in spec.presets:
        raise UsageError(
            f"the generator '{spec.kind}' has no preset '{train.preset}'",
            choice_hint("train.preset", train.preset, spec.presets),
        )
    rows = training_rows(config.workspace, fold=train.fold)
    classes = classes_of(rows, train)
    load_features = feature_loader(config)
    setup = spec.setup(train, classes, load_features)
    driven_by = spec.driven_by if setup.driven_by is None else setup.driven_by
    rows = with_drivers(rows[rows["expression"].isin(classes)], config.workspace, driven_by)
    read = partial(
        read_crops,
        classes=classes,
        size=setup.size,
        device=device,
        threads=threads,
        driven_by=driven_by,
    )
    crops = read(rows)
    if len(set(crops.subjects)) == 1:
        raise UsageError(
            "all training faces show one person: a generator learns what differs between people",
            Remedy("show", arguments=(str(config.workspace),), note="counts them"),
        )
    unseen = with_drivers(
        training_rows(config.workspace, "val", classes, train.fold),
        config.workspace,
        driven_by,
    )
    data = TrainingData(
        crops=crops,
        unseen=read(unseen) if len(unseen) else None,
        seed=train.seed,
        compiled=train.compile and device == "cuda",
    )
    folder = generator_folder(config.workspace, generator_name(train.generator, train.fold))
    start = _start(train.init_from, setup, folder)
    phases = setup.phases(len(crops))
    parameters = setup.parameters()
    plan = Plan(
        generator=train.generator,
        preset=train.preset,
        folder=str(folder),
        size=setup.size,
        classes=classes,
        faces=crops.counts(),
        people=len(set(crops.subjects)),
        steps={phase.name: phase.steps for phase in phases},
        batch=max(phase.batch for phase in phases),
        done=0,
        parameters=parameters,
        memory={
            "networks": _BYTES * sum(parameters.values()),
            "faces": crops.images.numel(),
            "activations": setup.activations(),
        },
        device=device,
        threads=threads,
        start="" if start is None else start.summary(),
        frozen=freeze(setup.sketch, train.freeze) if train.freeze else 0,
    )
    facts = {
        **setup.identity(),
        "seed": train.seed,
        "data": crops.fingerprint,
        "init_from": start.sha256 if start else train.init_from and _recorded_start(folder),
        "freeze": sorted(train.freeze) if train.freeze else None,
    }
    extra = collect_references(rows, crops, driven_by)
    return Prepared(setup, data, folder, facts, load_features, plan, extra, start)


def _start(path: Path | None, setup: TrainingSetup, folder: Path) -> InitialWeights | None:
    """Compare the file of ``train.init_from``; UsageError for a file that would be replaced.

    None without such a setting, and for a lost file of a training that has begun, which continues
    from its checkpoint.
    """
    if path is None or (not path.exists() and _recorded_start(folder)):
        return None
    if path.exists() and any(path.samefile(one) for one in folder.glob("*.safetensors")):
        raise UsageError(
            f"{path} is the file that this training writes",
            "copy it to another folder, and name the copy",
        )
    return match_weights(path, setup.kind, setup.sketch)


def _recorded_start(folder: Path) -> str | None:
    """Return the hash of the weights from which a training in the folder began."""
    path = folder / RESUME
    found = read_checkpoint(path).extra.get("init_from") if path.is_file() else None
    return found if isinstance(found, str) else None


def feature_loader(config: Config) -> "Callable[..., FaceFeatures]":
    """Return the function that loads the face features of ``train.features``."""

    def load(device: str = "cpu") -> "FaceFeatures":
        from faceprep.faces.features import load_features

        return load_features(config.train.features, device, template=config.align.template)

    return load
